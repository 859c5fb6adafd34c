/** Rules of docs/ownership.md, broken on purpose: the simulation must find each of them. */
import type { ControlLane } from '../../actors/runtime/custody.ts'
import type { Mesh } from '../../actors/runtime/mesh.ts'
import { given, nextOf, type PresenceTable, phaseOf } from '../../actors/runtime/presence-table.ts'

export const BROKEN_RULES = [
  'empty-answer-while-waiting',
  'connack-before-adopt',
  'number-reused',
  'credit-blocks-control',
] as const
export type BrokenRule = (typeof BROKEN_RULES)[number]

const QUEUED_ASK = 2
const GIVE = 3

/** As the mesh, but for the rule. */
export function brokenLane(
  rule: BrokenRule | undefined,
  mesh: Mesh,
  presence: PresenceTable,
  onHeldBack: () => void,
): ControlLane {
  switch (rule) {
    case 'empty-answer-while-waiting':
      return {
        tell: (peer, channel, body) => mesh.tell(peer, channel, body),
        onControl: (channel, receive) =>
          mesh.onControl(channel, (from, body) => {
            const [kind, number, askId] = body as [number, number, number]
            const word = presence.word(number)
            const waits = phaseOf(word) === 'given' && nextOf(word) === mesh.shard
            if (kind !== QUEUED_ASK || !waits) {
              receive(from, body)
              return
            }
            presence.swap(number, word, given(mesh.shard, from))
            mesh.tell(from, channel, [GIVE, number, askId, undefined])
          }),
      }
    case 'credit-blocks-control':
      return {
        tell: (peer, channel, body) => {
          if (!mesh.peers.includes(peer)) return false
          if (!mesh.hasCredit(peer)) onHeldBack()
          mesh.whenCredit(peer, () => mesh.tell(peer, channel, body))
          return true
        },
        onControl: (channel, receive) => mesh.onControl(channel, receive),
      }
    case 'connack-before-adopt':
    case 'number-reused':
    case undefined:
      return mesh
  }
}

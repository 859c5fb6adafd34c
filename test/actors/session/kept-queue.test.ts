import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { KeptMessage } from '../../../actors/session/kept-message.ts'
import { KeptQueue } from '../../../actors/session/kept-queue.ts'
import type { Publication } from '../../../core/ports/publication.ts'
import { collected } from '../../support/garbage.ts'
import { inWords, publicationOf } from '../publications.ts'
import { terms } from '../subscriptions.ts'

function kept(publication: Publication): KeptMessage {
  return new KeptMessage(publication, { qos: 1, retain: false, terms: terms(1), now: 0 })
}

describe('kept queue', () => {
  it('gives back what it took, in order, up to its bounds of messages and bytes', () => {
    const steps = fc.array(fc.oneof(fc.nat(30), fc.constant('take')), { maxLength: 3000 })
    const inOrder = fc.property(steps, fc.integer({ min: 1, max: 1500 }), (script, messages) => {
      const bytes = messages * 12
      const queue = new KeptQueue({ messages, bytes })
      const model: string[] = []
      let bytesKept = 0
      for (const [i, step] of script.entries()) {
        if (step === 'take') {
          const taken = queue.take()
          bytesKept -= taken?.buffer.length ?? 0
          assert.equal(taken === undefined ? undefined : inWords(taken), model.shift())
          continue
        }
        const publication = publicationOf('t', `${i}`.padEnd(step as number, '.'), 1, 'p')
        const size = inWords(publication).length - 4 // two blanks and the QoS
        const fits = model.length < messages && bytesKept + size <= bytes
        assert.equal(queue.offer(kept(publication)), fits)
        if (!fits) continue
        model.push(inWords(publication))
        bytesKept += size
        publication.buffer.fill(0) // the read buffer is used again
      }
      assert.equal(queue.size, model.length)
    })
    fc.assert(inOrder, { numRuns: 100 })
  })

  it('holds on to nothing that it gave back', async () => {
    const queue = new KeptQueue({ messages: 10, bytes: 1000 })
    for (let i = 0; i < 3; i++) queue.offer(kept(publicationOf('t', String(i))))
    const taken = new WeakRef(queue.take() as object)
    await collected()
    assert.equal(taken.deref(), undefined)
    assert.equal(queue.size, 2)
  })
})

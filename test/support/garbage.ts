/** What nobody holds any more is gone once this resolves: for tests with a `WeakRef`. */
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export async function collected(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await turn() // a WeakRef holds its target to the end of the turn that made it or looked
  await turn()
  collect()
}

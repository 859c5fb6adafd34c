/** A thread beside the test's: reads the store and ends, or writes what it is told, as the writer. */
import { workerData } from 'node:worker_threads'
import { Environment } from '../../storage/environment.ts'

const { path, task, shared } = workerData as {
  path: string
  task: 'read' | 'write'
  shared: Int32Array
}
const environment = Environment.open({ path, readOnly: task === 'read' })
const { meta } = environment.databases
if (task === 'read') {
  environment.refresh()
  if (meta.get('test') !== 'written') throw new Error('not seen')
} else {
  for (let i = 1; i <= 20; i++) {
    while (Atomics.load(shared, 0) !== i) Atomics.wait(shared, 0, i - 1, 1000)
    await environment.transaction(() => void meta.put('test', i))
    Atomics.store(shared, 1, i)
    Atomics.notify(shared, 1)
  }
}
await environment.close()

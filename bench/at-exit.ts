/**
 * What must not be left behind (processes, directories) whichever way the harness ends: each thing is
 * listed while it exists, and what is still listed is undone at exit, the newest first.
 */
const duties = new Set<() => void>()

/** @returns takes it off the list, once it is done */
export function atExit(duty: () => void): () => void {
  duties.add(duty)
  return () => duties.delete(duty)
}

/** Call once, in the process that owns the harness. */
export function honourAtExit(): void {
  process.on('exit', () => [...duties].reverse().forEach((duty) => duty()))
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
}

/**
 * What a run leaves: `bench/results/<date>-<commit>.json` with the reports of all its workloads, and beside it the
 * same as one SVG page. Written again with each report, so that a run that is cut off keeps what it had; a later run
 * of the same day and commit takes the place of an earlier one.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { renderChart } from './chart.ts'
import type { Report } from './report.ts'

const FOLDER = new URL('../../bench/results/', import.meta.url)
/** Raised where a reader of older files would misread a newer one. */
const FORMAT = 1

export interface Results {
  readonly format: typeof FORMAT
  readonly reports: readonly Report[]
}

/** @returns the path of the JSON; `undefined`: there is nothing to save */
export async function saveResults(reports: readonly Report[]): Promise<string | undefined> {
  const [first] = reports
  if (first === undefined) return undefined
  const name = `${first.at.slice(0, 10)}-${first.commit}`
  const results: Results = { format: FORMAT, reports }
  await mkdir(FOLDER, { recursive: true })
  const file = new URL(`${name}.json`, FOLDER)
  await writeFile(file, `${JSON.stringify(results, null, 1)}\n`)
  await writeFile(new URL(`${name}.svg`, FOLDER), renderChart(reports))
  return fileURLToPath(file)
}

/** @throws where the file cannot be read or is not of this format */
export function readResults(file: string): Results {
  const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Results> | null
  if (found?.format === FORMAT && Array.isArray(found.reports)) {
    return { format: FORMAT, reports: found.reports }
  }
  throw new Error(`${file} is no result of this bench (format ${FORMAT})`)
}

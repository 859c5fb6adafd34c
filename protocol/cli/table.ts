/**
 * Text for people: aligned tables and records. What devices said is shown without its control
 * characters.
 */

const CONTROL = /\p{Cc}/gu

/**
 * Columns in the order of `headings`, two blanks apart; nothing but the heading where there are no
 * rows.
 */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(cell))]
  const widths = headings.map((_, i) => Math.max(...cells.map((row) => length(row[i] ?? ''))))
  return cells
    .map((row) => `${row.map((c, i) => pad(c, widths[i] ?? 0)).join('  ')}`.trimEnd())
    .join('\n')
}

/** One field a line; fields without a value are left out. */
export function record(fields: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`.trimEnd()).join('\n')
}

/** A time of the API, in ISO 8601; empty where it has not happened. */
export function when(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString()
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replace(CONTROL, '\ufffd') // an escape sequence would speak to the terminal
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(width - length(text))
}

function length(text: string): number {
  return Array.from(text).length
}

/** Rows as lines of equal columns: the first to the left, numbers to the right. Pure. */

export function textTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((cells) => cells[i]?.length ?? 0)),
  )
  return rows.map((cells) => cells.map((text, i) => aligned(text, i, widths[i] ?? 0)).join('  '))
}

function aligned(text: string, column: number, width: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width)
}

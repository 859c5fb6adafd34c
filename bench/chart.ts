/**
 * Results as one SVG page that needs nothing else: for each scenario a bar for each server, and Tidegate's goal as a
 * line over its own. Bars much longer than Tidegate's and its goal are cut, with a tip; the number tells. Pure.
 */
import { type Bar, type Panel, panelsOf } from './panels.ts'
import type { Report } from './report.ts'

const COLUMNS = 2
const PANEL_WIDTH = 560
const HEAD = 76
const TITLE = 24
const ROW = 20
const GAP = 18
const LABEL_WIDTH = 150
const VALUE_WIDTH = 120
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH
/** A bar is at most so many times Tidegate's cost or goal, so that these can be seen. */
const CUT = 6

const COLOURS: readonly (readonly [name: string, colour: string])[] = [
  ['tidegate', '#0b7285'],
  ['mosquitto', '#868e96'],
  ['aedes', '#b08968'],
  ['nats-server', '#748ffc'],
  ['flashmq', '#e599f7'],
]
const OTHER = '#adb5bd'

export function renderChart(reports: readonly Report[]): string {
  const panels = reports.flatMap(panelsOf)
  const columns = inColumns(panels)
  const height = HEAD + Math.max(0, ...columns.map((column) => sum(column.map(heightOf))))
  const width = COLUMNS * PANEL_WIDTH + 2 * GAP
  const drawn = columns.flatMap((column, i) => {
    let y = HEAD
    return column.map((panel) => {
      const text = group(GAP + i * PANEL_WIDTH, y, drawPanel(panel))
      y += heightOf(panel)
      return text
    })
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...headLines(reports[0]),
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

function headLines(report: Report | undefined): string[] {
  if (report === undefined) return []
  const { at, commit, machine, node } = report
  return [
    text(GAP, 30, 'What it costs the server', 'font-size="20" font-weight="600"'),
    text(GAP, 50, `${at.slice(0, 10)}, commit ${commit}, ${machine}, Node ${node}`, GREY),
    text(GAP, 66, 'Medians; thin lines are least and most; red: the goal of Tidegate', GREY),
  ]
}

const GREY = 'fill="#868e96"'

function drawPanel({ title, goal, bars }: Panel): string {
  const scale = scaleOf(bars, goal)
  const rows = bars.map((bar, i) => drawBar(bar, TITLE + i * ROW, scale, goal))
  return [text(0, 14, title, 'font-weight="600"'), ...rows].join('\n')
}

function drawBar(bar: Bar, y: number, scale: number, goal: number | undefined): string {
  const name = text(LABEL_WIDTH - 8, y + 13, bar.label, 'text-anchor="end"')
  if (bar.value === undefined) return `${name}\n${text(LABEL_WIDTH, y + 13, 'n/a', GREY)}`
  const { median, min, max } = bar.value
  const at = (value: number): number => Math.min(1, value / scale) * BAR_WIDTH
  const length = at(median)
  const middle = y + ROW / 2 - 1
  const end = LABEL_WIDTH + length
  const goalAt = bar.label === 'tidegate' && goal !== undefined ? LABEL_WIDTH + at(goal) : undefined
  const parts = [
    name,
    `<rect x="${LABEL_WIDTH}" y="${y + 2}" width="${fixed(length)}" height="${ROW - 6}" fill="${colourOf(bar.label)}"/>`,
    median > scale
      ? `<path d="M${fixed(end)} ${y + 2}l7 ${(ROW - 6) / 2}l-7 ${(ROW - 6) / 2}z" fill="${colourOf(bar.label)}"/>`
      : line(LABEL_WIDTH + at(min), middle, LABEL_WIDTH + at(max), middle, '#212529', 1),
    ...(goalAt === undefined ? [] : [line(goalAt, y - 1, goalAt, y + ROW - 2, '#e03131', 2)]),
    text(Math.max(end, goalAt ?? 0) + 10, y + 13, valueText(median, goalAt && goal)),
  ]
  return parts.join('\n')
}

/** The value at the full length of a bar. */
function scaleOf(bars: readonly Bar[], goal: number | undefined): number {
  const values = bars.flatMap(({ value }) => value?.median ?? [])
  const own = bars.find(({ label }) => label === 'tidegate')?.value?.median
  const longest = Math.max(...values, goal ?? 0)
  const measure = Math.max(own ?? 0, goal ?? 0)
  return (measure > 0 ? Math.min(longest, CUT * measure) : longest) || 1
}

function valueText(median: number, goal: number | undefined): string {
  const digits = median < 10 ? 2 : median < 100 ? 1 : 0
  return goal === undefined ? median.toFixed(digits) : `${median.toFixed(digits)} (goal ${goal})`
}

/** Each panel to the column that is shortest so far. */
function inColumns(panels: readonly Panel[]): Panel[][] {
  const columns: Panel[][] = Array.from({ length: COLUMNS }, () => [])
  for (const panel of panels) {
    const heights = columns.map((column) => sum(column.map(heightOf)))
    columns[heights.indexOf(Math.min(...heights))]?.push(panel)
  }
  return columns
}

function heightOf({ bars }: Panel): number {
  return TITLE + bars.length * ROW + GAP
}

function colourOf(label: string): string {
  return COLOURS.find(([name]) => label.startsWith(name))?.[1] ?? OTHER
}

function group(x: number, y: number, content: string): string {
  return `<g transform="translate(${x} ${y})">\n${content}\n</g>`
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${fixed(x)}" y="${y}" ${attributes}>${escaped(content)}</text>`
}

function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: string,
  width: number,
): string {
  return `<line x1="${fixed(x1)}" y1="${y1}" x2="${fixed(x2)}" y2="${y2}" stroke="${colour}" stroke-width="${width}"/>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** For a terminal: the first column to the left, numbers to the right. */
export function toText({ title, columns, rows }: Table): string {
  const widths = columns.map((column, place) =>
    Math.max(...[column, ...rows.map((row) => row[place] ?? '')].map((cell) => cell.length)),
  )
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, place) => pad(cells[place] ?? '', width, place))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [title, '', line(columns), rule, ...rows.map(line), ''].join('\n')
}

export function toMarkdown({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = columns.map((_, place) => (place === 0 ? '---' : '---:'))
  return [`### ${title}`, '', line(columns), line(rule), ...rows.map(line), ''].join('\n')
}

function pad(cell: string, width: number, place: number): string {
  return place === 0 ? cell.padEnd(width) : cell.padStart(width)
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `12,345`, `12.3`, `1.23`: three digits that matter, as no run repeats more. */
export function figure(value: number): string {
  if (value >= 1_000) return grouped.format(value)
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** `12,345`: what was counted, one by one. */
export function counted(value: number): string {
  return grouped.format(value)
}

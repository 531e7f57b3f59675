import { countsText, progressFrame, type Watched } from './progress-frame.ts'

/** Where progress is shown. */
export interface Screen {
  show(status: Watched): void
  /** Shown until the next status. */
  tell(trouble: string): void
}

export interface Terminal {
  /** 0 or undefined where it does not know. */
  readonly columns?: number
  write(text: string): unknown
}

const USUAL_COLUMNS = 80
const CLEAR_REST = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const up = (lines: number): string => (lines === 0 ? '' : `\x1b[${lines}A`)

/** Draws over what it drew before. The cursor stays below, so that whatever comes next, Ctrl-C too, begins a line. */
export function redrawnScreen(terminal: Terminal, isUnicode: boolean, now: () => number = Date.now): Screen {
  let drawn = 0
  const columns = (): number => terminal.columns || USUAL_COLUMNS
  const draw = (lines: readonly string[]): void => {
    terminal.write(`\r${up(drawn)}${lines.map((line) => `${line}${CLEAR_REST}\n`).join('')}${CLEAR_BELOW}`)
    drawn = lines.length
  }
  return {
    show: (status) => draw(progressFrame(status, { columns: columns(), isUnicode, nowMs: now() })),
    tell: (trouble) => draw([trouble.slice(0, columns() - 1)]),
  }
}

/** A line for each change: for a pipe, a file, and a terminal that cannot move its cursor. */
export function lineScreen(stream: Pick<Terminal, 'write'>, now: () => number = Date.now): Screen {
  let last = ''
  const say = (text: string): void => {
    if (text !== last) stream.write(`${new Date(now()).toISOString()} ${text}\n`)
    last = text
  }
  return {
    show: (status) => say(`${status.state}: ${countsText(status)}`),
    tell: say,
  }
}

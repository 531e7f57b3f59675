import { createLogger, type Logger } from '#src/core/logger.ts'

export interface LogCapture {
  readonly log: Logger
  /** Everything written so far, one JSON line per event. */
  readonly text: () => string
}

/** A logger at the most talkative level whose lines can be searched, as for secrets. */
export function captureLog(): LogCapture {
  const lines: string[] = []
  const log = createLogger('trace', { write: (line) => void lines.push(line) })
  return { log, text: () => lines.join('') }
}

import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * Names under which a secret or a person's data could reach a log line, at any of the depths that we log.
 * A value logged under one of them prints as `[redacted]`.
 */
const SECRET_FIELDS = [
  'password',
  'pin',
  'old_pin',
  'new_pin',
  'secret',
  'authorization',
  'cookie',
  'access_token',
  'refresh_token',
  'push_token',
  'push_fid',
  'token',
  'private_key',
  'connectionString',
]

const redactedPaths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

/** One JSON line per event on standard output. `level` is pino's: trace, debug, info, warn, error, fatal or silent. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '[redacted]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

import { SourceUnavailable } from '#src/ports/meter-source.ts'

/** What the client library puts on its errors, of which some are wrapped twice. */
interface ClientError {
  readonly message: string
  readonly code: string | undefined
  /** SQL Server's own error number. */
  readonly number: number | undefined
  readonly isConnecting: boolean
}

const REFUSALS = new Set(['ELOGIN', 'EENCRYPT', 'EFEDAUTH'])
const LOST = new Set(['ESOCKET', 'ECLOSE', 'ECONNCLOSED', 'ENOTOPEN', 'EINVALIDSTATE', 'EINSTLOOKUP'])
const NETWORK = /^(?:ECONN|EPIPE|EHOST|ENET|ENOTFOUND|EAI_|ERR_SOCKET|ERR_TLS|ERR_SSL|ERR_STREAM)/
const LOCK_TIMEOUT = 1222

/**
 * One table from the client's errors to a reason. A connection that cannot be made in time is `unreachable`, an answer
 * that does not come in time is `too_slow`; an answer that makes no sense is what is left.
 */
export function toSourceUnavailable(error: unknown, secret: string): SourceUnavailable {
  if (error instanceof SourceUnavailable) return error
  const found = describe(error)
  return new SourceUnavailable(reasonOf(found), { cause: withoutSecret(found, secret) })
}

function reasonOf({ code, number, message, isConnecting }: ClientError): SourceUnavailable['reason'] {
  if (code !== undefined && REFUSALS.has(code)) return 'refused'
  if (code === 'ETIMEOUT' || code === 'ETIMEDOUT') return isConnecting ? 'unreachable' : 'too_slow'
  if (number === LOCK_TIMEOUT || message.startsWith('Failed to acquire a connection')) return 'too_slow'
  if (number !== undefined) return 'refused'
  if (code !== undefined && (LOST.has(code) || NETWORK.test(code))) return 'unreachable'
  const endedEarly = isConnecting && message.startsWith('The connection ended')
  return endedEarly ? 'unreachable' : 'malformed'
}

function describe(error: unknown): ClientError {
  if (!(error instanceof Error))
    return { message: String(error), code: undefined, number: undefined, isConnecting: false }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const number = 'number' in error && typeof error.number === 'number' && error.number > 0 ? error.number : undefined
  return { message: error.message, code, number, isConnecting: error.name === 'ConnectionError' }
}

/** A new error: the client's own carries the request and, in depth, the connection's configuration. */
function withoutSecret({ message, code, number }: ClientError, secret: string): Error {
  const facts = [code, number].filter((fact) => fact !== undefined).join(' ')
  const text = facts === '' ? message : `${facts}: ${message}`
  return new Error(secret === '' ? text : text.replaceAll(secret, '[secret]'))
}

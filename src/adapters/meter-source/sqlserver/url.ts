export interface SqlServerAddress {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly encrypt: SqlServerEncryption
  readonly trustServerCertificate: boolean
  /** The oldest TLS that is spoken with this server. @default 1.2 */
  readonly minTls?: OldTls
}

/** What servers of old speak, with ciphers that nobody else is offered. */
export type OldTls = '1.0' | '1.1'

/**
 * `all` encrypts the whole conversation (TLS inside TDS 7.4), `strict` is TLS first (TDS 8), `off` sends the password
 * all but readable and is for a loopback only. The client library offers no encryption of the login alone.
 */
export type SqlServerEncryption = 'off' | 'all' | 'strict'

/** What is wrong with the address, in words that never repeat it: it may hold a password. */
export class SqlServerUrlError extends Error {
  override readonly name = 'SqlServerUrlError'
}

const FORM = 'sqlserver://user@host:1433/DATABASE'
const PARAMETERS: readonly string[] = ['encrypt', 'trust_server_certificate', 'min_tls']
const DEFAULT_PORT = 1433
const oldVersions: readonly string[] = ['1.0', '1.1'] satisfies OldTls[]
const encryptions: readonly string[] = ['off', 'all', 'strict'] satisfies SqlServerEncryption[]

/** Reads `sqlserver://user@host:1433/DATABASE?encrypt=off|all|strict&trust_server_certificate=true|false&min_tls=1.0|1.1|1.2`. */
export function parseSqlServerUrl(text: string): SqlServerAddress {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'sqlserver:') throw new SqlServerUrlError(`must have the form ${FORM}`)
  if (url.password !== '') throw new SqlServerUrlError('must not contain a password: it has a setting of its own')
  if (url.hash !== '') throw new SqlServerUrlError('must not contain a #')
  const [database = '', ...rest] = url.pathname.replace(/^\//, '').split('/')
  if (rest.length > 0) throw new SqlServerUrlError('names more than one database')
  const required = { host: url.hostname, user: decode(url.username), database: decode(database) }
  for (const [part, value] of Object.entries(required)) {
    if (value === '') throw new SqlServerUrlError(`has no ${part}: the form is ${FORM}`)
  }
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  if (port === 0) throw new SqlServerUrlError('has no port to connect to: 0 is none')
  return { ...required, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, ...readParameters(url.searchParams) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new SqlServerUrlError('has a % that is not followed by two hexadecimal digits')
  }
}

function readParameters(parameters: URLSearchParams) {
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) throw new SqlServerUrlError(`has a parameter other than ${PARAMETERS.join(', ')}`)
    if (parameters.getAll(name).length > 1) throw new SqlServerUrlError(`gives ${name} twice`)
  }
  const encrypt = parameters.get('encrypt') ?? 'all'
  if (!isEncryption(encrypt)) throw new SqlServerUrlError(`encrypt must be one of ${encryptions.join(', ')}`)
  const trust = parameters.get('trust_server_certificate') ?? 'false'
  if (trust !== 'true' && trust !== 'false') {
    throw new SqlServerUrlError('trust_server_certificate must be true or false')
  }
  const minTls = parameters.get('min_tls') ?? '1.2'
  if (minTls !== '1.2' && !isOld(minTls)) throw new SqlServerUrlError('min_tls must be one of 1.0, 1.1, 1.2')
  return { encrypt, trustServerCertificate: trust === 'true', ...(minTls !== '1.2' && { minTls }) }
}

function isEncryption(text: string): text is SqlServerEncryption {
  return encryptions.includes(text)
}

function isOld(text: string): text is OldTls {
  return oldVersions.includes(text)
}

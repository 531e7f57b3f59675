type Fields = Readonly<Record<string, unknown>>

const SECRET_NAME = /pass|secret|token|api_?key|signature/i
const MASK = '********'

/** Settings that anyone on the broker may read: passwords in URLs and whatever is named a secret are masked. */
export function maskedSettings(settings: Fields): Fields {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, SECRET_NAME.test(name) ? MASK : masked(value)]),
  )
}

function masked(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/(:\/\/[^/@\s:]*:)[^/@\s]*@/g, `$1${MASK}@`)
  if (Array.isArray(value)) return value.map(masked)
  return value !== null && typeof value === 'object' ? maskedSettings(value as Fields) : value
}

/** The broker as `stats` shows it, without the password. */
export function brokerView(url: string | undefined): Fields {
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined
  const virtualHost = decodeURIComponent(parsed?.pathname.slice(1) ?? '')
  const isTls = parsed?.protocol === 'amqps:'
  return {
    hostname: parsed?.hostname ?? 'memory',
    userid: decodeURIComponent(parsed?.username ?? ''),
    virtual_host: virtualHost === '' ? '/' : virtualHost,
    port: Number(parsed?.port || (isTls ? 5671 : 5672)),
    insist: false,
    ssl: isTls,
    transport: parsed === undefined ? 'memory' : 'amqp',
    connect_timeout: 4,
    transport_options: {},
    login_method: 'PLAIN',
    uri_prefix: null,
    heartbeat: 60,
    failover_strategy: 'round-robin',
    alternates: [],
    credential_provider: null,
  }
}

/** The processes that read settings; `create` stands for create-staff and create-customer. */
export type Role = 'embedded' | 'api' | 'worker' | 'migrate' | 'create'

export interface Setting {
  readonly name: string
  readonly what: string
  readonly kind: 'text' | 'url' | 'port' | 'secret' | 'level'
  /** Secrets that sign must be long; all secrets must not be a known default. */
  readonly minLength?: number
  readonly protocols?: readonly string[]
  readonly default?: string
  readonly must: readonly Role[]
  readonly may: readonly Role[]
}

/** Every setting there is. Each secret can be given as NAME_FILE as well: the path of a file that holds it. */
export const SETTINGS = [
  {
    name: 'DATABASE_DIRECT_URL',
    what: 'PostgreSQL itself (port 5432), for what cannot go through PgBouncer. Unset, the create commands use the embedded system that runs in SAMACONSO_HOME',
    kind: 'secret',
    protocols: ['postgres:', 'postgresql:'],
    must: ['migrate'],
    may: ['create'],
  },
  {
    name: 'PORT',
    what: 'the port of the HTTP API, on 127.0.0.1 in embedded mode',
    kind: 'port',
    default: '8001',
    must: [],
    may: ['embedded'],
  },
  {
    name: 'SAMACONSO_HOME',
    what: 'the folder that holds all data of the embedded mode',
    kind: 'text',
    default: '.samaconso',
    must: [],
    may: ['embedded', 'create'],
  },
  {
    name: 'JWT_SECRET',
    what: 'signs access tokens; the same on every API. Made at the first start in embedded mode',
    kind: 'secret',
    minLength: 16,
    must: [],
    may: ['embedded'],
  },
  {
    name: 'METRICS_TOKEN',
    what: 'the bearer token that opens /metrics from elsewhere; unset, only loopback may read it',
    kind: 'secret',
    minLength: 16,
    must: [],
    may: ['embedded'],
  },
  {
    name: 'LOG_LEVEL',
    what: 'trace, debug, info, warn, error, fatal or silent',
    kind: 'level',
    default: 'info',
    must: [],
    may: ['embedded', 'migrate', 'create'],
  },
] as const satisfies readonly Setting[]

export type SettingName = (typeof SETTINGS)[number]['name']

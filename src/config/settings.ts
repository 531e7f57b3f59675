/** Who reads settings: the processes; `create`, the commands that work on the database; `operator`, those on RabbitMQ. */
export const ROLES = ['embedded', 'api', 'worker', 'migrate', 'create', 'operator'] as const
export type Role = (typeof ROLES)[number]

export interface Setting {
  readonly name: string
  readonly what: string
  /** A `url` is no secret itself: its password has a setting of its own. */
  readonly kind: 'text' | 'url' | 'port' | 'count' | 'secret' | 'level'
  /** The least `count`. */
  readonly least?: number
  /** Secrets that sign must be long; all secrets must not be a known default. */
  readonly minLength?: number
  readonly protocols?: readonly string[]
  /** Without one in the address the client would use a known default. */
  readonly needsPassword?: boolean
  readonly default?: string
  readonly must: readonly Role[]
  readonly may: readonly Role[]
}

/** Every setting there is. Each secret can be given as NAME_FILE as well: the path of a file that holds it. */
export const SETTINGS = [
  {
    name: 'DATABASE_URL',
    what: 'PostgreSQL through PgBouncer (port 6432, transaction pooling)',
    kind: 'secret',
    protocols: ['postgres:', 'postgresql:'],
    must: ['api', 'worker'],
    may: [],
  },
  {
    name: 'DATABASE_DIRECT_URL',
    what: 'PostgreSQL itself (port 5432), for what cannot go through PgBouncer. Unset, embedded mode starts its own, and the create commands use the one that runs in SAMACONSO_HOME',
    kind: 'secret',
    protocols: ['postgres:', 'postgresql:'],
    must: ['migrate'],
    may: ['embedded', 'create'],
  },
  {
    name: 'DATABASE_REPLICA_URL',
    what: 'a read replica for what may be a moment old; unset, reads go to the primary',
    kind: 'secret',
    protocols: ['postgres:', 'postgresql:'],
    must: [],
    may: ['api'],
  },
  {
    name: 'BROKER_URL',
    what: 'RabbitMQ, amqp://user:password@host:5672/vhost',
    kind: 'secret',
    protocols: ['amqp:', 'amqps:'],
    needsPassword: true,
    must: ['api', 'worker', 'operator'],
    may: ['embedded'],
  },
  {
    name: 'REDIS_URL',
    what: 'Redis, redis://:password@host:6379/0; what it holds may be lost at any time',
    kind: 'secret',
    protocols: ['redis:', 'rediss:'],
    must: ['api', 'worker'],
    may: ['embedded'],
  },
  {
    name: 'SIC_URL',
    what: 'the prepaid sales, sqlserver://user@host:1433/SIC; unset, that source is unavailable. ?encrypt=all|strict|off, ?trust_server_certificate=true and ?min_tls=1.0 are for servers of old',
    kind: 'url',
    protocols: ['sqlserver:'],
    must: [],
    may: ['embedded', 'api'],
  },
  { name: 'SIC_PASSWORD', what: 'the password of SIC_URL', kind: 'secret', must: [], may: ['embedded', 'api'] },
  {
    name: 'POSTPAID_URL',
    what: 'the postpaid bills, sqlserver://user@host:1433/HISTH2MC; unset, that source is unavailable',
    kind: 'url',
    protocols: ['sqlserver:'],
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'POSTPAID_PASSWORD',
    what: 'the password of POSTPAID_URL',
    kind: 'secret',
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'BI_ODS_URL',
    what: "the utility's copy of its customers in SAP, sqlserver://user@host:1433/BI_ODS; unset, nothing is looked up there",
    kind: 'url',
    protocols: ['sqlserver:'],
    must: [],
    may: ['embedded', 'api'],
  },
  { name: 'BI_ODS_PASSWORD', what: 'the password of BI_ODS_URL', kind: 'secret', must: [], may: ['embedded', 'api'] },
  {
    name: 'SOURCE_PROXY_URL',
    what: 'the HTTP proxy on the way to SIC_URL, POSTPAID_URL and BI_ODS_URL, http(s)://user:password@host:port; unset, none',
    kind: 'secret',
    protocols: ['http:', 'https:'],
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'SOURCE_CA_FILE',
    what: "the only authorities that the certificates of the sources, and of an https SOURCE_PROXY_URL, are checked against; unset, the system's",
    kind: 'text',
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'CONSUMPTION_KEPT_YEARS',
    what: 'full calendar years of sales and bills that are kept beside the current one; older ones are dropped, and not read from the sources again',
    kind: 'count',
    least: 2,
    default: '10',
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'CONSUMPTION_REFRESH_HOURS',
    what: "when the meters of customers seen in the last 30 days are read again, in Dakar's time; off: only when somebody looks",
    kind: 'text',
    default: '01:00-05:00',
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'CONSUMPTION_REFRESH_PER_MINUTE',
    what: 'how many meters a minute that refresh asks each source for, at most',
    kind: 'count',
    default: '60',
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'FCM_CREDENTIALS_FILE',
    what: "the service account's key file, as Google hands it out",
    kind: 'text',
    must: ['worker'],
    may: ['embedded'],
  },
  {
    name: 'FCM_BASE_URL',
    what: "another address than FCM's own, such as the simulator's",
    kind: 'url',
    protocols: ['https:'],
    must: [],
    may: ['embedded', 'worker'],
  },
  {
    name: 'FCM_PROXY_URL',
    what: 'the HTTP proxy on the way to FCM; unset, none',
    kind: 'secret',
    protocols: ['http:', 'https:'],
    must: [],
    may: ['embedded', 'worker'],
  },
  {
    name: 'FCM_CA_FILE',
    what: "the only authorities that the certificates of FCM, and of an https FCM_PROXY_URL, are checked against; unset, the system's",
    kind: 'text',
    must: [],
    may: ['embedded', 'worker'],
  },
  {
    name: 'FCM_QUOTA_PER_MINUTE',
    what: "FCM's quota for the project, in messages per minute; all workers together keep to it through Redis, and each to its part without",
    kind: 'count',
    least: 60,
    default: '600000',
    must: [],
    may: ['embedded', 'worker'],
  },
  {
    name: 'PORT',
    what: 'the port of the HTTP API; in embedded mode on 127.0.0.1 alone',
    kind: 'port',
    default: '8001',
    must: [],
    may: ['embedded', 'api'],
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
    must: ['api'],
    may: ['embedded'],
  },
  {
    name: 'METRICS_TOKEN',
    what: 'the bearer token that opens /metrics from elsewhere; unset, only loopback may read it',
    kind: 'secret',
    minLength: 16,
    must: [],
    may: ['embedded', 'api'],
  },
  {
    name: 'LOG_LEVEL',
    what: 'trace, debug, info, warn, error, fatal or silent; info has errors, slow requests and life events, no line per request',
    kind: 'level',
    default: 'info',
    must: [],
    may: ['embedded', 'api', 'worker', 'migrate', 'create'],
  },
] as const satisfies readonly Setting[]

export type SettingName = (typeof SETTINGS)[number]['name']

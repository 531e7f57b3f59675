import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { type FcmSimulator, startFcmSimulator } from '#src/simulators/fcm/fcm-simulator.ts'
import { testDatabase } from '#test/support/database.ts'
import { freePort } from '#test/support/free-port.ts'
import { type Pgbouncer, startPgbouncer } from '#test/support/pgbouncer.ts'
import { ROOT, type StartedProgram, startProgram } from '#test/support/processes.ts'
import { type Rabbitmq, type RabbitmqAddress, startRabbitmq } from '#test/support/rabbitmq.ts'
import { type Redis, startRedis } from '#test/support/redis.ts'

type Settings = Readonly<Record<string, string>>

/** The real engines with a database of their own, and the real processes of production over them. */
export interface RealSystem extends AsyncDisposable {
  readonly rabbitmq: Rabbitmq
  readonly redis: Redis
  readonly pgbouncer: Pgbouncer
  readonly fcm: FcmSimulator
  /** Past PgBouncer, for what the test itself looks at and puts there. */
  readonly database: Database
  /** What `api`, `worker` and `dead-letters` read from the environment. */
  readonly settings: Settings
  /** Up and ready; dies with the system. */
  api(changed?: Settings): Promise<RunningApi>
  worker(queues: string, changed?: Settings): Promise<StartedProgram>
  /** Not waited for. */
  run(args: readonly string[], changed?: Settings): StartedProgram
}

export interface RunningApi {
  readonly program: StartedProgram
  readonly url: string
}

const VIRTUAL_HOST = 'samaconso'
/** The queues and policies of production. */
export const DEFINITIONS = 'deploy/server-2/rabbitmq/definitions.json'

export interface RealSystemOptions {
  /** Of PostgreSQL. @default the run's one server */
  readonly serverUrl?: string
  /** FCM counts pushes instead of keeping them: for hundreds of thousands. @default false */
  readonly countsOnly?: boolean
}

export async function realSystem(options: RealSystemOptions = {}): Promise<RealSystem> {
  const opened = new CloseStack(createLogger('error', process.stderr))
  try {
    return await open(opened, options)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function open(opened: CloseStack, { serverUrl, countsOnly = false }: RealSystemOptions): Promise<RealSystem> {
  const log = createLogger('fatal', process.stderr)
  const [rabbitmq, redis, fresh, fcm] = await Promise.all([
    startRabbitmq().then((server) => handOver(opened, 'RabbitMQ', server, () => server.stop())),
    startRedis().then((server) => opened.use('Redis', server)),
    testDatabase(serverUrl === undefined ? {} : { serverUrl }).then((created) => opened.add('test database', created)),
    startFcm(opened, countsOnly),
  ])
  await importDefinitions(rabbitmq, readFileSync(join(ROOT, DEFINITIONS), 'utf8'))
  const all = { configure: '.*', write: '.*', read: '.*' }
  await manage(rabbitmq, 'PUT', `permissions/${VIRTUAL_HOST}/${rabbitmq.user}`, JSON.stringify(all))
  const pgbouncer = opened.use('PgBouncer', await startPgbouncer({ databaseUrl: fresh.url }))
  const database = opened.add('pool', openDatabase({ url: fresh.url, log, maxConnections: 4 }))
  const settings = {
    DATABASE_URL: pgbouncer.through(fresh.url),
    BROKER_URL: `${rabbitmq.url}/${VIRTUAL_HOST}`,
    REDIS_URL: redis.url,
    JWT_SECRET: randomBytes(24).toString('base64url'),
    FCM_CREDENTIALS_FILE: fcm.credentialsFile,
    FCM_BASE_URL: fcm.baseUrl,
    FCM_CA_FILE: fcm.caFile,
  }
  const run: RealSystem['run'] = (args, changed = {}) => {
    const program = startProgram([process.execPath, join(ROOT, 'src/main.ts'), ...args], {
      env: { ...settings, ...changed },
    })
    opened.use(args.join(' '), program)
    return program
  }
  return {
    rabbitmq,
    redis,
    pgbouncer,
    fcm,
    database,
    settings,
    run,
    async api(changed = {}) {
      const port = await freePort()
      const program = run(['api'], { PORT: `${port}`, ...changed })
      await program.line(/"msg":"the API is ready"/)
      return { program, url: `http://127.0.0.1:${port}` }
    },
    async worker(queues, changed = {}) {
      const program = run(['worker', '--queues', queues], changed)
      await program.line(/"msg":"the worker is ready"/)
      return program
    },
    [Symbol.asyncDispose]: () => opened.close(),
  }
}

async function startFcm(opened: CloseStack, countsOnly: boolean): Promise<FcmSimulator> {
  const dir = mkdtempSync(join(tmpdir(), 'samaconso-fcm-'))
  opened.defer('folder of FCM', () => rmSync(dir, { recursive: true }))
  const log = createLogger('fatal', process.stderr)
  const kept = countsOnly ? { countsOnlyBut: '' } : {}
  return opened.add('FCM', await startFcmSimulator({ host: '127.0.0.1', port: 0, log, dir, ...kept }))
}

/** By the management API: a second faster than by rabbitmqctl. */
export function importDefinitions(rabbitmq: RabbitmqAddress, definitions: string): Promise<void> {
  return manage(rabbitmq, 'POST', 'definitions', definitions)
}

async function manage(rabbitmq: RabbitmqAddress, method: string, path: string, body: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${rabbitmq.user}:${rabbitmq.password}`).toString('base64')}`
  const response = await fetch(`${rabbitmq.managementUrl}/api/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body,
  })
  if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${path}: ${await response.text()}`)
}

function handOver<T>(opened: CloseStack, name: string, resource: T, close: () => Promise<void>): T {
  opened.defer(name, close)
  return resource
}

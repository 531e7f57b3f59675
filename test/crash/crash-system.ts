import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Postgres, startPostgres } from '#src/postgres-engine/start-postgres.ts'
import { freePort } from '#test/support/free-port.ts'
import { type RealSystem, realSystem, type RealSystemOptions } from '#test/support/real-system.ts'
import { Fleet } from './fleet.ts'
import { Line } from './line.ts'

export const LINE_NAMES = ['RabbitMQ', 'PgBouncer', 'Redis', 'FCM'] as const
export type LineName = (typeof LINE_NAMES)[number]
export const ENGINE_NAMES = ['RabbitMQ', 'PgBouncer', 'Redis', 'PostgreSQL'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]

/** Everything that can break: the real engines, the processes over them, and the lines in between. */
export interface CrashSystem extends AsyncDisposable {
  readonly system: RealSystem
  readonly fleet: Fleet
  readonly lines: Readonly<Record<LineName, Line>>
  /** kill -9, and back on its data. */
  killEngine(name: EngineName): Promise<void>
}

export async function crashSystem(options: Omit<RealSystemOptions, 'serverUrl'> = {}): Promise<CrashSystem> {
  const opened = new CloseStack(createLogger('error', process.stderr))
  try {
    return await open(opened, options)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function open(opened: CloseStack, options: Omit<RealSystemOptions, 'serverUrl'>): Promise<CrashSystem> {
  const postgres = opened.use('PostgreSQL', await KillablePostgres.start())
  const system = opened.use('system', await realSystem({ ...options, serverUrl: postgres.url }))
  const { settings, fcm } = system
  const line = async (url: string): Promise<Line> =>
    opened.use(`line to ${url}`, await Line.start(Number(new URL(url).port)))
  const setting = (name: string): string => settings[name] ?? ''
  const lines: Record<LineName, Line> = {
    RabbitMQ: await line(setting('BROKER_URL')),
    PgBouncer: await line(setting('DATABASE_URL')),
    Redis: await line(setting('REDIS_URL')),
    FCM: await line(fcm.baseUrl),
  }
  const through = (url: string, { port }: Line): string => {
    const changed = new URL(url)
    changed.port = `${port}`
    return changed.href
  }
  const fleet = await Fleet.start(system, {
    BROKER_URL: through(setting('BROKER_URL'), lines.RabbitMQ),
    DATABASE_URL: through(setting('DATABASE_URL'), lines.PgBouncer),
    REDIS_URL: through(setting('REDIS_URL'), lines.Redis),
    FCM_BASE_URL: through(fcm.baseUrl, lines.FCM).replace(/\/$/, ''),
  })
  opened.use('fleet', fleet)
  return {
    system,
    fleet,
    lines,
    async killEngine(name) {
      if (name === 'PostgreSQL') return postgres.killAndRestart()
      const engine = { RabbitMQ: system.rabbitmq, PgBouncer: system.pgbouncer, Redis: system.redis }[name]
      await engine.kill()
      await engine.start()
    },
    [Symbol.asyncDispose]: () => opened.close(),
  }
}

/**
 * A PostgreSQL of one's own. It writes before it answers, as in production; that the disk has it by then does not
 * matter, because the machine stays up.
 */
class KillablePostgres implements AsyncDisposable {
  readonly #folder: string
  #postgres: Postgres

  private constructor(folder: string, postgres: Postgres) {
    this.#folder = folder
    this.#postgres = postgres
  }

  static async start(): Promise<KillablePostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'samaconso-crash-'))
    // It comes back on its port, which is nobody else's meanwhile.
    return new KillablePostgres(folder, await startIn(folder, await freePort()))
  }

  get url(): string {
    return this.#postgres.url('postgres')
  }

  async killAndRestart(): Promise<void> {
    const { pid, port, exited } = this.#postgres
    process.kill(pid, 'SIGKILL')
    await exited
    await this.#postgres.close()
    this.#postgres = await startIn(this.#folder, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postgres.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function startIn(folder: string, port: number): Promise<Postgres> {
  return startPostgres({
    dataDir: join(folder, 'postgres'),
    port,
    superuser: 'samaconso',
    password: 'for the tests alone',
    settings: { fsync: 'off', max_connections: '100' },
    log: createLogger('fatal', process.stderr),
  })
}

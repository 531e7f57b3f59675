import { SERVER_VARIABLE } from '#test/support/postgres-server.ts'
import { WORKERS } from '#src/roles/parts/worker.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import { type Squid, startSquid } from '#test/support/squid.ts'
import { type FcmProcess, startFcmProcess } from './fcm-process.ts'
import { childNamed } from './process-cpu.ts'
import { productionEngines } from './production.ts'
import { adminTokens, tokenSigner } from './tokens.ts'
import type { WatchedPart } from './watched-processes.ts'

/** Everything between a POST and FCM, each in processes of its own: one API, both workers, a proxy, the engines. */
export interface PushSystem {
  readonly system: RealSystem
  readonly fcm: FcmProcess
  readonly proxy: Squid
  /** Past PgBouncer. */
  readonly databaseUrl: string
  readonly parts: readonly WatchedPart[]
  /** POST /notifications as an admin; resolves to the notification's id once it is accepted. */
  send(notification: object): Promise<string>
  status(id: string): Promise<NotificationStatus>
  /** In good order: the API and both workers. */
  stopOurs(): Promise<void>
}

export interface NotificationStatus {
  readonly state: string
  readonly counts: Readonly<Record<'recipients' | 'devices' | 'sent' | 'failed' | 'dead_tokens' | 'retrying', number>>
}

const ENGINES = [
  ['PostgreSQL', 'postgres'],
  ['PgBouncer', 'pgbouncer'],
  ['RabbitMQ', 'rabbitmq-server'],
  ['Redis', 'redis-server'],
  ['CONNECT proxy', 'squid'],
] as const

export async function pushSystem(opened: AsyncDisposableStack): Promise<PushSystem> {
  const system = await productionEngines(opened)
  const [fcm, proxy] = await Promise.all([startFcmProcess(), startSquid()])
  opened.use(fcm)
  opened.use(proxy)
  const route = {
    FCM_CREDENTIALS_FILE: fcm.credentialsFile,
    FCM_BASE_URL: fcm.baseUrl,
    FCM_CA_FILE: fcm.caFile,
    FCM_PROXY_URL: proxy.url.href,
  }
  const [api, ...workers] = await Promise.all([
    system.api(),
    ...WORKERS.map((queues) => system.worker(queues.join(','), route)),
  ])
  const token = await adminTokens(system.database.db, tokenSigner(system.settings['JWT_SECRET']!))
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' }
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${api.url}${path}`, { headers, ...post })
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    system,
    fcm,
    proxy,
    databaseUrl: pastPgbouncer(system.settings['DATABASE_URL']!),
    parts: [
      { label: 'API', pid: api.program.pid, isOurs: true },
      ...workers.map(({ pid }, place) => ({ label: `worker ${WORKERS[place]!.join(', ')}`, pid, isOurs: true })),
      ...ENGINES.map(([label, program]) => ({ label, pid: childNamed(program), isOurs: false })),
      { label: 'FCM simulator', pid: fcm.pid, isOurs: false },
      { label: 'load', pid: process.pid, isOurs: false },
    ],
    send: async (notification) => ((await ask('/notifications', notification)) as { id: string }).id,
    status: async (id) => (await ask(`/api/notifications/${id}`)) as NotificationStatus,
    async stopOurs() {
      const programs = [api.program, ...workers]
      for (const program of programs) program.signal('SIGTERM')
      await Promise.all(programs.map(({ exited }) => exited))
    },
  }
}

function pastPgbouncer(url: string): string {
  const { host } = new URL(process.env[SERVER_VARIABLE]!)
  return Object.assign(new URL(url), { host }).href
}

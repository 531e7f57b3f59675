import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AccessToken } from '#src/adapters/push/fcm/access-token.ts'
import { readCredentials } from '#src/adapters/push/fcm/credentials.ts'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { venv } from '#test/interop/venv.ts'
import { ROOT } from '#test/support/processes.ts'
import { benchPush } from './bench-push.ts'
import { CELERY, startPeerWorker } from './celery-peer.ts'
import { cpuOfTreeMs } from './process-cpu.ts'
import type { PushSystem } from './push-system.ts'
import { counted } from './table.ts'

export interface CeleryRate {
  readonly label: string
  readonly perMinute: number
  readonly cores: number
}

const FOLDER = join(ROOT, 'bench/peers/celery-push')
const PROCESSES = 4
const QUEUE = 'peer'
/** More than it sends in a minute. */
const TASKS = 90_000
const SENT_TOGETHER = 1_000
const WARM_UP_MS = 5_000
const MEASURED_MS = 60_000
const TOKEN_LIMIT_MS = 15_000

export const CELERY_NOTE = `Celery: a task per push, by httpx over HTTP/2 with one client for each of ${PROCESSES} prefork processes, the result in Redis, no rows. ${counted(TASKS)} tasks lie in its queue before it starts, so that sending them costs it nothing; ${MEASURED_MS / 1_000} s each way, after ${WARM_UP_MS / 1_000} s that are not counted, when our processes have stopped.`

/**
 * What a Celery worker of four processes sends in a minute, a task per push, on the same broker, proxy, Redis and FCM.
 * Nothing of ours works meanwhile, its queue is filled before, and it writes no rows.
 */
export async function measureCelery({ system, fcm, proxy }: PushSystem, way: 'proxy' | 'direct'): Promise<CeleryRate> {
  const { command } = await venv('celery-push')
  await fillQueue(system.settings['BROKER_URL']!)
  const credentials = readCredentials(fcm.credentialsFile)
  await using worker = await startPeerWorker({
    command,
    app: 'celery_push',
    folder: FOLDER,
    queues: QUEUE,
    processes: PROCESSES,
    env: {
      BROKER_URL: system.settings['BROKER_URL'],
      RESULT_URL: system.settings['REDIS_URL'],
      FCM_BASE_URL: fcm.baseUrl,
      FCM_PATH: `/v1/projects/${credentials.projectId}/messages:send`,
      FCM_PROXY_URL: way === 'proxy' ? proxy.url.href : undefined,
      FCM_CA_FILE: fcm.caFile,
      FCM_TOKEN: await bearerToken(fcm.caFile, credentials),
    },
  })
  await pause(WARM_UP_MS)
  const look = async () => ({
    at: performance.now(),
    sent: (await fcm.counts()).by_outcome['sent'] ?? 0,
    cpuMs: cpuOfTreeMs(worker.pid),
  })
  const before = await look()
  await pause(MEASURED_MS)
  const after = await look()
  const elapsedMs = after.at - before.at
  return {
    label: `${CELERY}, ${PROCESSES} processes, ${way === 'proxy' ? 'the same proxy' : 'no proxy'}`,
    perMinute: ((after.sent - before.sent) / elapsedMs) * 60_000,
    cores: (after.cpuMs - before.cpuMs) / elapsedMs,
  }
}

/** What an earlier worker has left stays. */
async function fillQueue(url: string): Promise<void> {
  const log = createLogger('warn', process.stderr)
  await using broker = rabbitmqBroker({ url, log, name: 'bench', timers: systemTimers })
  await broker.connected()
  await broker.declareQueue({ name: QUEUE })
  const client = new CeleryClient({ broker, clock: systemTimers.now })
  const { messages } = await broker.countQueue(QUEUE)
  for (let first = messages; first < TASKS; first += SENT_TOGETHER) {
    const send = (_: unknown, place: number): Promise<string> =>
      client.sendTask({ task: 'peer.push', queue: QUEUE, args: [messageAt(first + place)] })
    await Promise.all(Array.from({ length: SENT_TOGETHER }, send))
  }
}

/** As our gateway writes it. */
function messageAt(place: number): object {
  const { target, title, body, data, messageId, ttlMs } = benchPush(place)
  return {
    token: target.value,
    notification: { title, body },
    data: { ...data, message_id: messageId },
    android: { priority: 'NORMAL', ttl: `${ttlMs / 1_000}s` },
    apns: { headers: { 'apns-priority': '5' } },
  }
}

async function bearerToken(caFile: string, credentials: ReturnType<typeof readCredentials>): Promise<string> {
  const limits = { connectTimeoutMs: TOKEN_LIMIT_MS, timeoutMs: TOKEN_LIMIT_MS }
  const log = createLogger('warn', process.stderr)
  return new AccessToken({ credentials, caPem: readFileSync(caFile, 'utf8'), clock: systemClock, log, ...limits }).get()
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

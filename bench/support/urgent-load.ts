import type { TaskEngines } from './task-engines.ts'

/** An urgent task: when it was sent, and when its handler began. */
export interface UrgentTask {
  readonly id: string
  readonly sentAtMs: number
}

const LOOK_EVERY_MS = 20
const ANSWER_LIMIT_MS = 60_000
/** Every process of the machine reads the same monotonic clock. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Sends at a constant rate, each counted from the moment at which it was to be sent. */
export async function sendUrgent({ client }: TaskEngines, perSecond: number, seconds: number): Promise<UrgentTask[]> {
  const startAtMs = nowMs()
  const sent: Promise<UrgentTask>[] = []
  for (let place = 0; place < perSecond * seconds; place += 1) {
    const sentAtMs = startAtMs + (place * 1_000) / perSecond
    const waitMs = sentAtMs - nowMs()
    if (waitMs > 0) await new Promise((resolve) => void setTimeout(resolve, waitMs))
    sent.push(client.sendTask({ task: 'bench.urgent', queue: 'urgent' }).then((id) => ({ id, sentAtMs })))
  }
  return Promise.all(sent)
}

/** Milliseconds from sending to the handler's start; a task's result is when it started. */
export async function startLatencies(engines: TaskEngines, sent: readonly UrgentTask[]): Promise<number[]> {
  return Promise.all(sent.map(async ({ id, sentAtMs }) => (await startedAtMs(engines, id)) - sentAtMs))
}

async function startedAtMs({ redis }: TaskEngines, id: string): Promise<number> {
  const endAt = performance.now() + ANSWER_LIMIT_MS
  while (performance.now() < endAt) {
    const text = await redis.get(`celery-task-meta-${id}`)
    if (text !== null) return (JSON.parse(text) as { result: number }).result
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new Error(`urgent task ${id} has no result`)
}

import { CeleryNode } from '#src/celery/node.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Db } from '#src/database/database.ts'
import { announceNotification } from '#src/modules/inbox/announcements.ts'
import { notificationTasks } from '#src/modules/notifications/sending/tasks.ts'
import type { Sending } from '#src/modules/notifications/sending/sending.ts'
import { TaskAttempts } from '#src/modules/task-attempts/task-attempts.ts'
import type { Broker } from '#src/ports/broker.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import type { ResultStore } from '#src/ports/result-store.ts'
import type { PushGateway } from '#src/ports/push-gateway.ts'
import type { Timers } from '#src/core/timers.ts'
import { countedTask } from './counted-task.ts'

export interface WorkerParts {
  readonly db: Db
  readonly broker: Broker
  /** Where the API processes hear of what their clients can see. */
  readonly bus: EventBus
  readonly push: PushGateway
  readonly timers: Timers
  readonly log: Logger
  /** The outbox was filled by a task: publish it. */
  readonly kick: () => void
  /** Unique among all workers on the broker, as `worker1@host`. */
  readonly name: string
  /** The most urgent first. */
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly results: ResultStore
  /** Whether others can hear and ask us: not through a broker inside the process. */
  readonly isReachable: boolean
  /** `celery control shutdown` asked the process to stop. */
  readonly onShutdown?: () => void
}

/** The two of production, and what each takes: an alarm never waits behind a newsletter. */
export const WORKERS: readonly (readonly string[])[] = [
  ['urgent', 'high_priority'],
  ['normal', 'low_priority'],
]
export const TASKS_AT_A_TIME = 4

/** One of a worker's slots is kept for `urgent`, so that a flood in another queue does not delay it. */
const URGENT_RESERVE = { queue: 'urgent', slots: 1 }

/** Long enough for the pushes under way; what is left is queued again and sent after the next start. */
const DRAIN_MS = 3_000
const ABORT_GRACE_MS = 1_000
const UPKEEP_EVERY_MS = 3_600_000

export async function startWorker(parts: WorkerParts, opened: CloseStack): Promise<void> {
  const { db, bus, push, timers, log, kick, queues } = parts
  const announce = (sending: Sending): void => void announceNotification(bus, sending)
  const tasks = notificationTasks({ db, push, timers, log, kick, announce })
  const attempts = new TaskAttempts({ db, clock: timers.now })
  const node = new CeleryNode({
    ...parts,
    tasks: tasks.map((task) => countedTask(task, attempts, log)),
    isPoison: (taskId, redelivered) => attempts.isPoison(taskId, redelivered),
    ...(queues.length > 1 && queues.includes(URGENT_RESERVE.queue) ? { reserve: URGENT_RESERVE } : {}),
    control: parts.isReachable,
    drainMs: DRAIN_MS,
    abortGraceMs: ABORT_GRACE_MS,
  })
  const upkeep = { name: 'upkeep of task attempts', everyMs: UPKEEP_EVERY_MS, timers, log }
  opened.add(upkeep.name, periodically({ ...upkeep, work: () => attempts.prune() }))
  opened.add(`worker of ${queues.join(' and ')}`, node)
  await node.start()
}

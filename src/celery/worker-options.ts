import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Broker } from '#src/ports/broker.ts'
import type { Reserve } from './admission.ts'
import type { FollowUps, PreparedRequest } from './execution.ts'
import type { TaskEnvelope } from './message.ts'
import type { TaskObserver } from './observer.ts'
import type { RunningTask } from './running-tasks.ts'
import type { ScreenOptions } from './screen.ts'
import type { Task } from './task.ts'

export interface CeleryWorkerOptions extends ScreenOptions {
  /** Its connection for consuming. */
  readonly broker: Broker
  /** For retries. @default `broker` */
  readonly publisher?: Broker
  readonly tasks: readonly Task[]
  /** The most urgent first. */
  readonly queues: readonly string[]
  /** Tasks at a time, over all queues. */
  readonly concurrency: number
  readonly reserve?: Reserve
  /** Messages of each queue that may be with us, per slot: more hide the broker's round trip, fewer leave work to other workers. @default 2 */
  readonly prefetchMultiplier?: number
  readonly observers?: readonly TaskObserver[]
  /** @default nothing is revoked */
  readonly isRevoked?: (envelope: TaskEnvelope) => boolean
  /** @default nothing follows a task */
  readonly followUps?: FollowUps
  readonly timers: Timers
  readonly log: Logger
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
  /** How long `close` lets running tasks finish. @default 30000 */
  readonly drainMs?: number
  /** How long they then have to give up when their signal says so. @default 2000 */
  readonly abortGraceMs?: number
}

/** What the worker has in hand. `scheduled` wait for their eta, `ready` for a slot. */
export interface WorkerLoad {
  readonly running: number
  readonly ready: number
  readonly scheduled: number
}

/** The tasks that the worker has, by how far they are. `reserved` have not started; `scheduled` wait for their eta. */
export interface WorkerRequests {
  readonly active: readonly RunningTask[]
  readonly reserved: readonly PreparedRequest[]
  readonly scheduled: readonly { readonly etaAt: number; readonly request: PreparedRequest }[]
}

import { isUuid } from '#src/core/uuid.ts'
import { AppError } from '#src/core/errors.ts'
import type { Db } from '#src/database/database.ts'
import { addToOutbox, type OutboxTask } from '#src/modules/outbox/outbox.ts'
import type { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import { notificationErrors } from '../errors.ts'
import { TASK_NAMES, type TaskName } from '../priorities.ts'
import { sqlDueStore } from './due-deliveries.ts'
import { countAgain, fanOutStep, fanOutWhole } from './fan-out.ts'
import type { PushParts } from './push-page.ts'
import { chunkTask } from './queue-tasks.ts'
import { sendChunk } from './send-chunk.ts'
import { sendDue } from './send-due.ts'
import { beginSending, readSending, type Sending } from './sending.ts'
import { queueFollowUp, settle } from './settle.ts'
import { sqlChunkStore } from './sql-chunk-store.ts'
import { GATEWAY_PAUSE_MS } from './verdict.ts'

export interface TaskParts extends PushParts {
  readonly db: Db
  /** The outbox was filled: publish it. Must not throw or wait. */
  readonly kick?: () => void
  /** A notification begins to be sent: its readers may see it. Must not throw or wait. */
  readonly announce?: (sending: Sending) => void
  /** Recipients of one chunk. @default 128: a chunk is a matter of some hundred milliseconds */
  readonly chunkSize?: number
}

/** What a task is asked to do: start a notification, cut more of it, send one chunk, or try again what is due. */
export type SendCall = { readonly notificationId: string } & (
  | { readonly kind: 'start' | 'fan-out' | 'follow-up' }
  | { readonly kind: 'chunk'; readonly chunk: number }
)

/** A task as the Celery runtime takes it. */
export interface NotificationTask {
  readonly name: TaskName
  readonly acksLate: true
  readonly maxRetries: number
  parse(kwargs: Readonly<Record<string, unknown>>): SendCall
  handler(call: SendCall, context: { readonly signal: AbortSignal; readonly taskId: string }): Promise<TaskResult>
}

export interface TaskResult {
  readonly notification_id: string
  /** False: there was nothing left to do. */
  readonly worked: boolean
}

/** With the runtime's growing waits a database may be away for more than an hour. */
const MAX_RETRIES = 15
const CHUNK_SIZE = 128
/** The chunk that is a small audience's only one. */
const ONLY_CHUNK = 1

/**
 * The tasks that send. They do the same under their four names, which exist because each queue has its own. Every
 * one may run twice, also at once: a device with an outcome is passed over, and a chunk that is being sent is left to
 * whoever sends.
 */
export function notificationTasks(parts: TaskParts): NotificationTask[] {
  return TASK_NAMES.map((name) => ({
    name,
    acksLate: true,
    maxRetries: MAX_RETRIES,
    parse: parseCall,
    handler: async (call, { signal }) => {
      try {
        return { notification_id: call.notificationId, worked: await run(parts, call, signal) }
      } catch (error) {
        if (signal.aborted || error instanceof AppError) throw error
        // Most of all the database: the task must come again, not end as failed.
        throw notificationErrors.sendingInterrupted({ cause: error })
      }
    },
  }))
}

function parseCall(kwargs: Readonly<Record<string, unknown>>): SendCall {
  const { notification_id: notificationId, chunk = null, follow_up: followUp = false, fan_out: fanOut = false } = kwargs
  if (typeof notificationId !== 'string' || !isUuid(notificationId)) throw notificationErrors.invalidTask()
  if (typeof followUp !== 'boolean' || typeof fanOut !== 'boolean') throw notificationErrors.invalidTask()
  if (Number(followUp) + Number(fanOut) + Number(chunk !== null) > 1) throw notificationErrors.invalidTask()
  if (followUp) return { notificationId, kind: 'follow-up' }
  if (fanOut) return { notificationId, kind: 'fan-out' }
  if (chunk === null) return { notificationId, kind: 'start' }
  if (typeof chunk !== 'number' || !Number.isSafeInteger(chunk)) throw notificationErrors.invalidTask()
  return { notificationId, kind: 'chunk', chunk }
}

async function run(parts: TaskParts, call: SendCall, signal: AbortSignal): Promise<boolean> {
  const { db, timers } = parts
  // Only the start writes: the chunks of one notification must not queue up for its row.
  const sending =
    call.kind === 'start'
      ? await beginSending(db, call.notificationId, new Date(timers.now()))
      : await readSending(db, call.notificationId)
  if (sending === undefined) return false
  if (call.kind === 'start') parts.announce?.(sending)
  await sendPart(parts, sending, call, signal)
  await settle(db, sending.id, new Date(timers.now()))
  parts.kick?.()
  return true
}

async function sendPart(parts: TaskParts, sending: Sending, call: SendCall, signal: AbortSignal): Promise<void> {
  const now = new Date(parts.timers.now())
  const { chunkSize = CHUNK_SIZE } = parts
  // Of a broadcast it is not known before it is cut: its agency may have grown since it was accepted.
  const isSmall = !sending.isBroadcast && sending.recipients <= chunkSize
  switch (call.kind) {
    case 'start':
      if (isSmall && !sending.isFannedOut) await fanOutWhole(parts.db, sending, now)
      if (isSmall) return sendOneChunk(parts, sending, ONLY_CHUNK, signal)
      // Later steps have tasks of their own: this one was delivered again.
      if (sending.fannedOutThrough !== null || sending.isFannedOut) return
      if (sending.isBroadcast) await countAgain(parts.db, sending)
      return fanOutStep(parts.db, sending, chunkSize, now)
    case 'fan-out':
      if (!sending.isFannedOut) await fanOutStep(parts.db, sending, chunkSize, now)
      return
    case 'chunk':
      return sendOneChunk(parts, sending, call.chunk, signal)
    case 'follow-up': {
      const unusable = await sendDue({ ...parts, due: sqlDueStore(parts.db) }, sending, signal)
      if (unusable !== undefined) warn(parts, sending, unusable)
      return queueFollowUp(parts.db, sending)
    }
  }
}

async function sendOneChunk(parts: TaskParts, sending: Sending, number: number, signal: AbortSignal): Promise<void> {
  const ended = await sendChunk({ ...parts, chunks: sqlChunkStore(parts.db) }, sending, number, signal)
  if (ended.end === 'busy') return queueAgain(parts, chunkTask(sending, number, ended.until))
  if (ended.end !== 'unusable') return
  warn(parts, sending, ended.cause)
  await queueAgain(parts, chunkTask(sending, number, new Date(parts.timers.now() + GATEWAY_PAUSE_MS)))
}

function queueAgain({ db }: TaskParts, task: OutboxTask): Promise<void> {
  return addToOutbox(db, [task])
}

function warn({ log }: TaskParts, sending: Sending, cause: PushGatewayUnusable): void {
  log.error({ err: cause, notification_id: sending.id }, 'pushes wait: the push gateway cannot be used')
}

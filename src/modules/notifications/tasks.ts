import { isUuid } from '#src/core/uuid.ts'
import { AppError } from '#src/core/errors.ts'
import { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { ALL_ACCOUNTS } from './claims.ts'
import { notificationErrors } from './errors.ts'
import { TASK_NAMES, type TaskName } from './priorities.ts'
import {
  beginSending,
  closeChunk,
  closeFanOut,
  fanOut,
  openChunk,
  readSending,
  type Sending,
  settle,
} from './progress.ts'
import { chunkTask, followUpTask, startTask } from './queue-tasks.ts'
import { type SendParts, sendToDue, sendToUntried } from './send.ts'
import { GATEWAY_PAUSE_MS } from './verdict.ts'

export interface TaskParts extends SendParts {
  /** The outbox was filled: publish it. Must not throw or wait. */
  readonly kick?: () => void
  /** Recipients of one chunk of a large audience. @default 500 */
  readonly chunkSize?: number
}

/** What a task is asked to do: start a notification, send one chunk of it, or try again what is due. */
export interface SendCall {
  readonly notificationId: string
  readonly chunk?: number
  readonly followUp: boolean
}

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

/**
 * The tasks that send. They do the same under their four names, which exist because each queue has its own. Every
 * one may run twice, also at once: a device with an outcome is passed over, and one that is being sent to is left to
 * whoever sends.
 */
export function notificationTasks(parts: TaskParts): NotificationTask[] {
  return TASK_NAMES.map((name) => ({
    name,
    acksLate: true,
    maxRetries: MAX_RETRIES,
    parse: parseCall,
    handler: async (call, { signal, taskId }) => {
      try {
        return { notification_id: call.notificationId, worked: await run(parts, call, taskId, signal) }
      } catch (error) {
        if (signal.aborted || error instanceof AppError) throw error
        // Most of all the database: the task must come again, not end as failed.
        throw notificationErrors.sendingInterrupted({ cause: error })
      }
    },
  }))
}

function parseCall(kwargs: Readonly<Record<string, unknown>>): SendCall {
  const { notification_id: notificationId, chunk, follow_up: followUp = false } = kwargs
  const isChunk = (value: unknown): value is number => Number.isSafeInteger(value)
  if (typeof notificationId !== 'string' || !isUuid(notificationId) || typeof followUp !== 'boolean') {
    throw notificationErrors.invalidTask()
  }
  if (chunk === undefined || chunk === null) return { notificationId, followUp }
  if (!isChunk(chunk) || followUp) throw notificationErrors.invalidTask()
  return { notificationId, chunk, followUp }
}

async function run(parts: TaskParts, call: SendCall, taskId: string, signal: AbortSignal): Promise<boolean> {
  // Only the start writes: the chunks of one notification must not queue up for its row.
  const isStart = call.chunk === undefined && !call.followUp
  const sending = await (isStart ? beginSending : readSending)(parts.db, call.notificationId)
  if (sending === undefined) return false
  try {
    await sendPart(parts, sending, call, signal)
  } catch (error) {
    if (!(error instanceof PushGatewayUnusable)) throw error
    parts.log.error({ err: error, notification_id: sending.id }, 'pushes wait: the push gateway cannot be used')
    await callAgain(parts, sending, call, taskId)
    return true
  }
  await settle(parts.db, sending, new Date(parts.clock()))
  parts.kick?.()
  return true
}

async function sendPart(parts: TaskParts, sending: Sending, call: SendCall, signal: AbortSignal): Promise<void> {
  const { db, clock, chunkSize = 500 } = parts
  if (call.followUp) return sendToDue(parts, sending, signal)
  if (call.chunk !== undefined) {
    const range = await openChunk(db, sending.id, call.chunk)
    if (range === undefined) return
    await sendToUntried(parts, sending, range, signal)
    return closeChunk(db, sending.id, call.chunk, new Date(clock()))
  }
  if (sending.isFannedOut) return
  if (sending.recipients > chunkSize) return fanOut(db, sending, chunkSize, new Date(clock()))
  await sendToUntried(parts, sending, ALL_ACCOUNTS, signal)
  await closeFanOut(db, sending.id, new Date(clock()))
}

async function callAgain(parts: TaskParts, sending: Sending, call: SendCall, taskId: string): Promise<void> {
  const notBefore = new Date(parts.clock() + GATEWAY_PAUSE_MS)
  if (call.followUp) return addToOutbox(parts.db, [followUpTask(sending, notBefore)])
  const task =
    call.chunk === undefined ? startTask(sending, taskId, notBefore) : chunkTask(sending, call.chunk, notBefore)
  await addToOutbox(parts.db, [task])
}

import type { Static } from 'typebox'
import type { Actor } from '#src/core/actor.ts'
import type { Clock } from '#src/core/clock.ts'
import { moment } from '#src/core/moment.ts'
import type { Db, Tx } from '#src/database/database.ts'
import { recordAudit } from '#src/modules/audit/audit.ts'
import { recipientsOf } from './audience.ts'
import { notificationErrors } from './errors.ts'
import {
  type Answer,
  earlierAnswer,
  hashBody,
  type IdempotentRequest,
  lockIdempotencyKey,
  rememberAnswer,
} from './idempotency.ts'
import { checkPayload } from './payload.ts'
import { START_LANES } from './priorities.ts'
import type { Audience, NotificationBody } from './schemas.ts'
import { recipientCount, storeNotification } from './store-notification.ts'

export type NotificationRequest = Static<typeof NotificationBody>

export interface Accepted {
  readonly answer: Answer
  /** The answer was given before, and nothing was stored now. */
  readonly replayed: boolean
}

/** Whoever plans further ahead has mistaken the year. */
const LONGEST_AHEAD_MS = 90 * 86_400_000

const stored = moment('notification.stored')

/**
 * Stores a notification, whom it is for and the task that sends it, in one transaction: accepted means that it
 * will be sent. Throws when it is refused, and then nothing is stored.
 */
export async function acceptNotification(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  actor: Actor,
  request: NotificationRequest,
  idempotencyKey: string | undefined,
): Promise<Accepted> {
  const now = new Date(clock())
  checkPayload(withDefaults(request))
  checkTimes(request, now)
  const accepted = await db.transaction().execute(async (tx): Promise<Accepted> => {
    if (idempotencyKey === undefined) return { answer: await acceptIn(tx, actor, request, now), replayed: false }
    const keyed = { accountId: actor.accountId, key: idempotencyKey, bodyHash: hashBody(request) }
    return acceptOnceIn(tx, actor, request, keyed, now)
  })
  stored()
  return accepted
}

async function acceptOnceIn(
  tx: Tx,
  actor: Actor,
  request: NotificationRequest,
  keyed: IdempotentRequest,
  now: Date,
): Promise<Accepted> {
  await lockIdempotencyKey(tx, keyed.accountId, keyed.key)
  const earlier = await earlierAnswer(tx, keyed)
  if (earlier !== undefined) return { answer: earlier, replayed: true }
  const answer = await acceptIn(tx, actor, request, now)
  await rememberAnswer(tx, keyed, answer, now)
  return { answer, replayed: false }
}

async function acceptIn(tx: Tx, actor: Actor, request: NotificationRequest, now: Date): Promise<Answer> {
  const { audience, priority } = request
  const recipients = await recipientsOf(tx, actor, audience)
  const { id, taskId } = await storeNotification(tx, {
    ...withDefaults(request),
    ...timesOf(request),
    senderId: actor.accountId,
    priority,
    audience: toStoredAudience(audience),
    recipients,
    at: now,
  })
  await recordAudit(tx, actor, {
    action: 'notification.send',
    subjectId: id,
    details: auditDetails(request, recipientCount(recipients)),
  })
  const { queue } = START_LANES[priority]
  return { id, task_id: taskId, queue, state: 'queued', status_url: `/api/notifications/${id}` }
}

function withDefaults({ type = 'general', title, body, data = {} }: NotificationRequest) {
  return { type, title, body, data }
}

function auditDetails(request: NotificationRequest, recipients: number) {
  const { title, type } = withDefaults(request)
  const { priority, audience, send_at, expires_at } = request
  return { title, type, priority, audience, recipients, send_at, expires_at }
}

function timesOf({ send_at: sendAt, expires_at: expiresAt }: NotificationRequest) {
  return {
    sendAt: sendAt === undefined ? undefined : new Date(sendAt),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
  }
}

function checkTimes(request: NotificationRequest, now: Date): void {
  const { sendAt = now, expiresAt } = timesOf(request)
  if (sendAt.getTime() > now.getTime() + LONGEST_AHEAD_MS) throw notificationErrors.sendAtTooFar()
  if (expiresAt !== undefined && expiresAt <= (sendAt > now ? sendAt : now)) throw notificationErrors.expiresTooEarly()
}

function toStoredAudience(audience: Audience): Readonly<Record<string, unknown>> {
  return audience.kind === 'users' ? { kind: 'users', count: audience.user_ids.length } : audience
}

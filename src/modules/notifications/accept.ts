import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import type { Actor } from '#src/core/actor.ts'
import type { Clock } from '#src/core/clock.ts'
import type { Db, Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { recipientsOf, refuseUnreachable } from './audience.ts'
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
import { startTask } from './queue-tasks.ts'
import type { Audience, NotificationBody } from './schemas.ts'

export type NotificationRequest = Static<typeof NotificationBody>

export interface Accepted {
  readonly answer: Answer
  /** The answer was given before, and nothing was stored now. */
  readonly replayed: boolean
}

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
  await refuseUnreachable(db, actor, request.audience)
  for (const field of ['send_at', 'expires_at'] as const) {
    if (request[field] !== undefined) throw httpErrors.notImplemented({ details: { field } })
  }
  checkPayload(withDefaults(request))
  const now = new Date(clock())
  if (idempotencyKey === undefined) {
    const answer = await db.transaction().execute((tx) => acceptIn(tx, actor, request, now))
    return { answer, replayed: false }
  }
  const keyed = { accountId: actor.accountId, key: idempotencyKey, bodyHash: hashBody(request) }
  return db.transaction().execute((tx) => acceptOnceIn(tx, actor, request, keyed, now))
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
  const recipients = await recipientsOf(tx, actor, request.audience)
  const [id, taskId] = [randomUUID(), randomUUID()]
  const { type, title, body, data } = withDefaults(request)
  await tx
    .insertInto('notification')
    .values({
      id,
      sender_id: actor.accountId,
      type,
      title,
      body,
      data: JSON.stringify(data),
      priority: request.priority,
      audience: JSON.stringify(toStoredAudience(request.audience)),
      task_id: taskId,
      state: 'queued',
      recipients: recipients.length,
      queued_at: now,
      visible_at: now,
    })
    .execute()
  await sql`insert into notification_recipient (notification_id, account_id, visible_at)
    select ${id}::uuid, account_id, ${now}::timestamptz from unnest(${recipients}::uuid[]) as account_id`.execute(tx)
  await addToOutbox(tx, [startTask({ id, priority: request.priority }, taskId, now)])
  const { queue } = START_LANES[request.priority]
  return { id, task_id: taskId, queue, state: 'queued', status_url: `/api/notifications/${id}` }
}

function withDefaults({ type = 'general', title, body, data = {} }: NotificationRequest) {
  return { type, title, body, data }
}

function toStoredAudience(audience: Audience): Audience | { kind: 'users'; count: number } {
  return audience.kind === 'users' ? { kind: 'users', count: audience.user_ids.length } : audience
}

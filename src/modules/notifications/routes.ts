import { isUuid } from '#src/core/uuid.ts'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { actorOf, type ObjectPolicy, type Policy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { acceptNotification } from './accept.ts'
import { cancelNotification } from './cancel.ts'
import * as schemas from './schemas.ts'
import { isSender, notificationExists, notificationStatus } from './status.ts'

export interface NotificationParts {
  readonly db: Db
  readonly clock: Clock
  /** The outbox was filled: publish it. Must not throw or wait. */
  readonly kick: () => void
}

const tags = ['notifications']
/** Ten thousand ids of 39 bytes, and the message. */
const SEND_BODY_LIMIT_BYTES = 512 * 1024
const senders: Policy = { kind: 'roles', roles: ['agent', 'admin', 'service'], auditedAs: null }
export function notificationRoutes(parts: NotificationParts) {
  return (app: App): void => {
    // The seed's address, and the one under /api like every other.
    for (const url of ['/notifications', '/api/notifications']) sendRoute(app, url, parts)
    statusRoute(app, parts)
    cancelRoute(app, parts)
  }
}

function sendRoute(app: App, url: string, { db, clock, kick }: NotificationParts): void {
  app.post(
    url,
    {
      config: { policy: senders },
      bodyLimit: SEND_BODY_LIMIT_BYTES,
      schema: {
        tags,
        summary: 'Send a notification to users, to those of a meter, to an agency’s customers, or to everyone',
        headers: schemas.IdempotencyHeaders,
        body: schemas.NotificationBody,
        response: {
          202: schemas.AcceptedAnswer,
          404: ProblemAnswer,
          409: ProblemAnswer,
          422: ProblemAnswer,
        },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const { answer, replayed } = await acceptNotification({ db, clock }, actorOf(request), request.body, key)
      if (replayed) void reply.header('idempotency-replayed', 'true')
      else kick()
      return reply.code(202).send(answer as never)
    },
  )
}

/** Whoever sent the notification named by the path, and admins. */
function senderPolicy(db: Db): ObjectPolicy {
  return {
    kind: 'object',
    type: 'notification',
    param: 'id',
    allow: ['sender', 'admin'],
    // Its status is counts, which an app may look at every second: nothing of who received it.
    auditedAs: null,
    check: (actor, id) => {
      if (!isUuid(id)) return false
      return actor.role === 'admin' ? notificationExists(db, id) : isSender(db, id, actor.accountId)
    },
  }
}

function statusRoute(app: App, { db, clock }: NotificationParts): void {
  app.get(
    '/api/notifications/:id',
    {
      config: { policy: senderPolicy(db) },
      schema: {
        tags,
        summary: 'How far a notification is',
        params: schemas.NotificationParams,
        response: { 200: schemas.StatusAnswer },
      },
    },
    async (request, reply) => {
      const status = await notificationStatus(db, request.params.id, new Date(clock()))
      if (status === undefined) throw httpErrors.notFound()
      return reply.header('cache-control', 'no-store').send(status)
    },
  )
}

function cancelRoute(app: App, { db, clock }: NotificationParts): void {
  app.post(
    '/api/notifications/:id/cancel',
    {
      config: { policy: senderPolicy(db) },
      schema: {
        tags,
        summary: 'Stop a notification: whoever was not sent to within two seconds is not sent to any more',
        params: schemas.NotificationParams,
        response: { 200: schemas.StatusAnswer, 409: ProblemAnswer },
      },
    },
    async (request) => {
      const { id } = request.params
      const now = new Date(clock())
      await cancelNotification(db, actorOf(request), id, now)
      const status = await notificationStatus(db, id, now)
      if (status === undefined) throw httpErrors.notFound()
      return status
    },
  )
}

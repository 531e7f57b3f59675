import { Type } from 'typebox'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import { announceRead } from './announcements.ts'
import { inboxOf } from './inbox.ts'
import { isInInbox, markAllRead, markRead } from './reads.ts'
import * as schemas from './schemas.ts'

export interface InboxParts {
  readonly db: Db
  readonly clock: Clock
  /** Where other devices of the user hear of what was read. */
  readonly bus: EventBus
  /** The user named by the path parameter `id`, alone. */
  readonly selfPolicy: ObjectPolicy
}

const tags = ['inbox']
const NoContent = Type.Null({ description: 'done' })

export function inboxRoutes(parts: InboxParts) {
  return (app: App): void => {
    listRoute(app, parts)
    readRoute(app, parts)
    readAllRoute(app, parts)
  }
}

function listRoute(app: App, { db, clock, selfPolicy }: InboxParts): void {
  app.get(
    '/api/users/:id/notifications',
    {
      config: { policy: selfPolicy },
      schema: {
        tags,
        summary: 'The inbox, newest first',
        params: schemas.InboxParams,
        querystring: schemas.InboxQuery,
        response: { 200: schemas.InboxAnswer },
      },
    },
    async (request, reply) => {
      const { unread = false, cursor, limit } = request.query
      const now = new Date(clock())
      const page = await inboxOf(db, actorOf(request).accountId, now, { unreadOnly: unread, cursor, limit })
      return reply.header('cache-control', 'no-store').send(page)
    },
  )
}

function readRoute(app: App, { db, clock, bus }: InboxParts): void {
  const policy: ObjectPolicy = {
    kind: 'object',
    type: 'notification',
    param: 'id',
    allow: ['recipient'],
    auditedAs: null,
    check: (actor, id) => isInInbox(db, id, actor.accountId, new Date(clock())),
  }
  app.put(
    '/api/notifications/:id/read',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'Mark a message of the own inbox as read',
        params: schemas.MessageParams,
        response: { 204: NoContent },
      },
    },
    async (request, reply) => {
      const { accountId } = actorOf(request)
      const { id } = request.params
      const isNew = await markRead(db, id, accountId, new Date(clock()))
      if (isNew) void announceRead(bus, accountId, id)
      return reply.code(204).send(null)
    },
  )
}

function readAllRoute(app: App, { db, clock, bus, selfPolicy }: InboxParts): void {
  app.put(
    '/api/users/:id/notifications/read',
    {
      config: { policy: selfPolicy },
      schema: {
        tags,
        summary: 'Mark the whole inbox, or what is not newer than a message, as read',
        params: schemas.InboxParams,
        querystring: schemas.ReadAllQuery,
        response: { 204: NoContent },
      },
    },
    async (request, reply) => {
      const { accountId } = actorOf(request)
      const now = new Date(clock())
      const { until } = request.query
      const marked = await markAllRead(db, accountId, until === undefined ? now : new Date(until), now)
      if (marked > 0) void announceRead(bus, accountId, null)
      return reply.code(204).send(null)
    },
  )
}

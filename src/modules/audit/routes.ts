import type { Db } from '#src/database/database.ts'
import type { App, Routes } from '#src/http/app.ts'
import { auditPage } from './audit-page.ts'
import { AuditAnswer, AuditQuery } from './schemas.ts'

/** `GET /api/audit` */
export function auditRoutes({ db }: { readonly db: Db }): Routes {
  return (app: App) => {
    app.get(
      '/api/audit',
      {
        config: { policy: { kind: 'roles', roles: ['admin'], auditedAs: null } },
        schema: {
          tags: ['operations'],
          summary: 'Who did what, and which staff looked at whose data, newest first',
          querystring: AuditQuery,
          response: { 200: AuditAnswer },
        },
      },
      async (request, reply) => {
        const { actor_id: actorId, subject_id: subjectId, action, from, to, cursor, limit } = request.query
        const page = await auditPage(db, {
          actorId,
          subjectId,
          action,
          from: from === undefined ? undefined : new Date(from),
          to: to === undefined ? undefined : new Date(to),
          cursor,
          limit,
        })
        return reply.header('cache-control', 'no-store').send(page)
      },
    )
  }
}

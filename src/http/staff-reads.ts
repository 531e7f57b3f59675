import type { FastifyRequest, RouteOptions } from 'fastify'
import type { Actor } from '#src/core/actor.ts'
import type { App } from '#src/http/app.ts'
import { actorOf, type ObjectPolicy, type Policy, type StaffReadAction } from '#src/http/policy.ts'

/** A look by staff at what is a customer's. */
export interface StaffRead {
  readonly actor: Actor
  readonly action: StaffReadAction
  /** Such as the user or the meter; null for a list of many people's. */
  readonly subjectId: string | null
  /** By its pattern: `GET /api/meters/:id/bills`. */
  readonly route: string
  /** What was asked for, such as a range or a format. The pages of a list are one question. */
  readonly query: Readonly<Record<string, unknown>>
}

/** Writes a look down before it is answered; where it rejects, the look is refused with what it rejects with. */
export type RecordRead = (read: StaffRead) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    recordRead: RecordRead
  }
}

/** Whether looks by staff at what this route reads are written down: its policy says so. */
export function writesDownReads({ method, config }: RouteOptions): boolean {
  const isRead = [method].flat().some((name) => name === 'GET' || name === 'HEAD')
  return isRead && auditedAs(config?.policy) !== null
}

/**
 * Has every look by staff written down, on each route that reads under a policy that says so. Not by a hook but around
 * the handler: so the query is valid by then, and a customer's own read pays a comparison, where a hook would be run.
 */
export function recordStaffReads(app: App, recordRead: RecordRead): void {
  app.decorate('recordRead', recordRead)
  app.addHook('onRoute', (route) => {
    const { policy } = route.config ?? {}
    if (policy === undefined || !writesDownReads(route)) return
    const { handler } = route
    route.handler = function answer(request, reply) {
      if (actorOf(request).role === 'customer') return handler.call(this, request, reply)
      const id = policy.kind === 'object' ? idIn(request, policy) : null
      return writeDown(request, policy, id).then(() => handler.call(this, request, reply))
    }
  })
}

/** The policy of a route for an object that something else than the path names: asks it, and has the look written down. */
export async function mayRead(request: FastifyRequest, policy: ObjectPolicy, id: string): Promise<boolean> {
  if (!(await policy.check(actorOf(request), id))) return false
  await writeDown(request, policy, id)
  return true
}

/** Nothing is written of a customer's read, nor of a look at oneself. */
async function writeDown(request: FastifyRequest, policy: Policy, subjectId: string | null): Promise<void> {
  const actor = actorOf(request)
  const action = auditedAs(policy)
  if (action === null || actor.role === 'customer' || actor.accountId === subjectId) return
  const { method, routeOptions, server } = request
  await server.recordRead({ actor, action, subjectId, route: `${method} ${routeOptions.url}`, query: asked(request) })
}

/** What no schema has looked at may be of any size, and is not what was asked. */
function asked({ query, routeOptions }: FastifyRequest): Record<string, unknown> {
  if (routeOptions.schema?.querystring === undefined) return {}
  const { cursor: _cursor, limit: _limit, ...rest } = query as Record<string, unknown>
  return rest
}

export function auditedAs(policy: Policy | undefined): StaffReadAction | null {
  return policy?.kind === 'object' || policy?.kind === 'roles' ? policy.auditedAs : null
}

function idIn(request: FastifyRequest, { param }: ObjectPolicy): string {
  return (request.params as Record<string, string>)[param] ?? ''
}

import type { FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import type { Actor } from '#src/core/actor.ts'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'

/**
 * Who may call a route. Every route has one in its `config`, or the server does not start. The check of an
 * `object` policy runs before the handler: one that says no is a 404, so that nobody learns what exists.
 */
export type Policy =
  | { readonly kind: 'public' }
  /** Loopback, or the metrics token: enforced by the route, which no account can call. */
  | { readonly kind: 'operators' }
  | { readonly kind: 'logged_in' }
  | RolesPolicy
  | ObjectPolicy

/** How looks by staff at what is a customer's are named in the audit log. */
export const STAFF_READS = ['user.read', 'meter.read', 'meter_link.read'] as const
export type StaffReadAction = (typeof STAFF_READS)[number]

interface AuditedPolicy {
  /** As what a look by staff is written into the audit log; null: nothing of a customer's is read under it. */
  readonly auditedAs: StaffReadAction | null
}

export interface RolesPolicy extends AuditedPolicy {
  readonly kind: 'roles'
  readonly roles: readonly Actor['role'][]
}

export interface ObjectPolicy extends AuditedPolicy {
  readonly kind: 'object'
  /** What the path parameter names: a user, a notification. */
  readonly type: string
  readonly param: string
  /** Who passes, in words: `self`, `agent in scope`, `admin`, `sender`. The policy matrix is made from it. */
  readonly allow: readonly string[]
  readonly check: (actor: Actor, id: string) => boolean | Promise<boolean>
}

export const PUBLIC: Policy = { kind: 'public' }
export const LOGGED_IN: Policy = { kind: 'logged_in' }

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
    /** Its answer lasts as long as the client stays: that is no measure of how quick the server is. */
    isStream?: boolean
  }
  interface FastifyRequest {
    /** Set before the handler of every route whose policy is not `public` or `operators`. */
    actor: Actor | undefined
  }
}

export interface RouteEntry {
  readonly method: string
  readonly url: string
  readonly policy: Policy
}

/** Fails when a route has no policy: deny by default, before the first request. */
export function policiesOf(routes: readonly RouteOptions[]): RouteEntry[] {
  return routes.flatMap((route) => {
    const { policy } = route.config ?? {}
    const methods = [route.method].flat()
    if (policy === undefined)
      throw new Error(`route ${methods.join('|')} ${route.url} has no policy: say who may call it`)
    return methods.map((method) => ({ method, url: route.url, policy }))
  })
}

export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === undefined) throw httpErrors.unauthenticated()
  return request.actor
}

export type VerifyToken = (token: string) => Actor

/**
 * Puts a guard before every route: it verifies the token and applies the policy, synchronously where nothing has to be
 * asked. Each guard is bound to its route, as asking a request for its route builds an object every time.
 */
export function guardRoutes(app: App, verifyToken: VerifyToken): void {
  const guards = new WeakSet<object>()
  app.addHook('onRoute', (route) => {
    const others = [route.onRequest ?? []].flat()
    // The HEAD twin of a route is made from its options, guard and all.
    if (others.some((hook) => guards.has(hook))) return
    const guard = guardOf(route, verifyToken)
    guards.add(guard)
    route.onRequest = [guard, ...others]
  })
}

function guardOf(route: RouteOptions, verifyToken: VerifyToken): onRequestHookHandler {
  return (request, _reply, done) => {
    try {
      // Read at the request: a scope may give its routes their policy after this hook has seen them.
      const verdict = judge(request, route.config?.policy, verifyToken)
      if (verdict === true) return done()
      verdict.then(
        (may) => done(may ? undefined : httpErrors.notFound()),
        (error: unknown) => done(error as Error),
      )
    } catch (error) {
      done(error as Error)
    }
  }
}

function judge(request: FastifyRequest, policy: Policy | undefined, verifyToken: VerifyToken): true | Promise<boolean> {
  if (policy === undefined) throw httpErrors.notFound()
  if (policy.kind === 'public' || policy.kind === 'operators') return true
  const actor = verifyToken(bearerToken(request.headers.authorization))
  request.actor = actor
  if (policy.kind === 'logged_in') return true
  if (policy.kind === 'roles') {
    if (!policy.roles.includes(actor.role)) throw httpErrors.forbidden()
    return true
  }
  const id = canonicalId(request.params as Record<string, string>, policy.param)
  const may = policy.check(actor, id)
  if (may === false) throw httpErrors.notFound()
  return may
}

/** A UUID may be typed in capitals; checks, keys of the cache and the audit log know an object by one text alone. */
function canonicalId(params: Record<string, string>, param: string): string {
  const id = (params[param] ?? '').toLowerCase()
  params[param] = id
  return id
}

/** The token of an Authorization header. Throws `unauthenticated` without one. */
export function bearerToken(header: string | undefined): string {
  if (header === undefined) throw httpErrors.unauthenticated()
  const [scheme = '', token = ''] = header.split(' ', 2)
  if (scheme.toLowerCase() !== 'bearer' || token === '') throw httpErrors.unauthenticated()
  return token
}

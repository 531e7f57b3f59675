import { Type } from 'typebox'
import type { Db } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { actorOf, LOGGED_IN, type ObjectPolicy, PUBLIC } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { targetOf } from './devices.ts'
import type { Logins } from './login.ts'
import { accountById } from './queries.ts'
import * as schemas from './schemas.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'
import { toLoginAnswer, toProfile } from './view.ts'

export interface AccountParts {
  readonly db: Db
  readonly logins: Logins
  readonly sessions: Sessions
  readonly tokens: Tokens
  /** Who reaches a user's profile: the user, an agent in scope, an admin. */
  readonly profilePolicy: ObjectPolicy
  readonly selfPolicy: ObjectPolicy
}

const tags = ['accounts']
const NoContent = Type.Null({ description: 'done' })

export function accountRoutes(parts: AccountParts) {
  return (app: App): void => {
    loginRoutes(app, parts)
    sessionRoutes(app, parts)
    profileRoutes(app, parts)
    secretRoutes(app, parts)
  }
}

function loginRoutes(app: App, { logins, tokens }: AccountParts): void {
  app.post(
    '/api/login',
    {
      config: { policy: PUBLIC },
      schema: {
        tags,
        summary: 'Log in by phone and PIN, or by login and password',
        body: schemas.LoginBody,
        response: { 200: schemas.LoginAnswer, 401: ProblemAnswer, 429: ProblemAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const loggedIn = await logins.logIn(request.body)
      return reply.header('cache-control', 'no-store').send(toLoginAnswer(loggedIn, tokens))
    },
  )
  app.post(
    '/api/refresh',
    {
      config: { policy: PUBLIC },
      schema: {
        tags,
        summary: 'Spend a refresh token for the next pair of tokens',
        body: schemas.RefreshBody,
        response: { 200: schemas.LoginAnswer, 401: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const loggedIn = await logins.refresh(request.body.refresh_token)
      return reply.header('cache-control', 'no-store').send(toLoginAnswer(loggedIn, tokens))
    },
  )
}

function sessionRoutes(app: App, { sessions }: AccountParts): void {
  app.post(
    '/api/logout',
    {
      config: { policy: LOGGED_IN },
      schema: { tags, summary: 'End this login: its tokens stop working at once', response: { 204: NoContent } },
    },
    async (request, reply) => {
      await sessions.logOut(actorOf(request).sessionId)
      return reply.code(204).send(null)
    },
  )
  app.put(
    '/api/session/push-target',
    {
      config: { policy: LOGGED_IN },
      schema: {
        tags,
        summary: 'Renew where pushes for this device go',
        body: schemas.PushTargetBody,
        response: { 204: NoContent, 409: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const target = targetOf(request.body)
      if (target === undefined) throw httpErrors.invalidRequest()
      await sessions.setPushTarget(actorOf(request).sessionId, target)
      return reply.code(204).send(null)
    },
  )
}

function profileRoutes(app: App, { db, profilePolicy }: AccountParts): void {
  app.get(
    '/api/users/:id',
    {
      config: { policy: profilePolicy },
      schema: {
        tags,
        summary: 'A profile',
        params: schemas.UserParams,
        response: { 200: schemas.ProfileAnswer },
      },
    },
    async (request) => {
      const account = await accountById(db, request.params.id)
      if (account === undefined) throw httpErrors.notFound()
      const agency =
        account.agency_id === null
          ? undefined
          : await db
              .selectFrom('agency')
              .select(['code', 'name'])
              .where('id', '=', account.agency_id)
              .executeTakeFirst()
      return toProfile(account, agency)
    },
  )
}

function secretRoutes(app: App, { logins, selfPolicy }: AccountParts): void {
  app.put(
    '/api/users/:id/pin',
    {
      config: { policy: selfPolicy },
      schema: {
        tags,
        summary: 'Change the PIN; every other login of the account ends',
        params: schemas.UserParams,
        body: schemas.ChangePinBody,
        response: { 204: NoContent, 403: ProblemAnswer, 422: ProblemAnswer, 429: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const { old_pin: old, new_pin: next } = request.body
      const actor = actorOf(request)
      if (actor.role !== 'customer') throw httpErrors.forbidden()
      await logins.changeSecret({ ...actor, old, next })
      return reply.code(204).send(null)
    },
  )
  app.put(
    '/api/users/:id/password',
    {
      config: { policy: selfPolicy },
      schema: {
        tags,
        summary: 'Change the password of a staff account; every other login of the account ends',
        params: schemas.UserParams,
        body: schemas.ChangePasswordBody,
        response: { 204: NoContent, 403: ProblemAnswer, 422: ProblemAnswer, 429: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const { old_password: old, new_password: next } = request.body
      const actor = actorOf(request)
      if (actor.role === 'customer') throw httpErrors.forbidden()
      await logins.changeSecret({ ...actor, old, next })
      return reply.code(204).send(null)
    },
  )
}

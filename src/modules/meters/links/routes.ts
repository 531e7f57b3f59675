import { Type } from 'typebox'
import type { App, Routes } from '#src/http/app.ts'
import { actorOf, type Policy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { MeterParams } from '../schemas.ts'
import { type AddedMeter, addMeter } from './add-meter.ts'
import { confirmOwnership } from './confirm-ownership.ts'
import { contractAccountsOf } from './contract-accounts.ts'
import { decideLink } from './decide.ts'
import { setDefaultMeter } from './default-meter.ts'
import { linkedPolicy, linkPolicy, ownLinkPolicy, sharesPolicy } from './policies.ts'
import type { LinkParts } from './link-parts.ts'
import * as schemas from './schemas.ts'
import { maskPhone } from './masked-phone.ts'
import { removeMeter } from './remove-meter.ts'
import { sharesOf, waitingLinks } from './shares.ts'

const tags = ['meters']
const NoContent = Type.Null({ description: 'done' })
const CUSTOMERS: Policy = { kind: 'roles', roles: ['customer'], auditedAs: null }
const AGENCY_STAFF: Policy = { kind: 'roles', roles: ['agent', 'admin'], auditedAs: 'meter_link.read' }

/** Adding a meter, sharing it, and deciding who sees it. */
export function linkRoutes(parts: LinkParts): Routes {
  return (app) => {
    contractAccountsRoute(app, parts)
    addRoutes(app, parts)
    ownRoutes(app, parts)
    decideRoute(app, parts)
    shareListRoute(app, parts)
    agencyListRoute(app, parts)
  }
}

function contractAccountsRoute(app: App, parts: LinkParts): void {
  app.get(
    '/api/meters/contract-accounts',
    {
      config: { policy: CUSTOMERS },
      schema: {
        tags,
        summary: 'The contract accounts that the utility has under the caller’s phone, five at most: what can be added',
        response: { 200: schemas.ContractAccountsAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const items = await contractAccountsOf(parts, actorOf(request).accountId)
      return reply.header('cache-control', 'no-store').send({ items, next_cursor: null })
    },
  )
}

function addRoutes(app: App, parts: LinkParts): void {
  const refusals = { 409: ProblemAnswer, 422: ProblemAnswer, 429: ProblemAnswer, 503: ProblemAnswer }
  app.post(
    '/api/meters',
    {
      config: { policy: CUSTOMERS },
      schema: {
        tags,
        summary: 'Add a meter: as its owner, by a code sent to the phone that the utility has, or by asking its owner',
        body: schemas.AddMeterBody,
        response: { 200: schemas.AddedAnswer, 201: schemas.AddedAnswer, 404: ProblemAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const added = await addMeter(parts, actorOf(request).accountId, request.body)
      return reply
        .code(added.isNew ? 201 : 200)
        .header('cache-control', 'no-store')
        .send(toAnswer(added))
    },
  )
  app.post(
    '/api/meters/:id/ownership',
    {
      config: { policy: ownLinkPolicy(parts.db, 'id') },
      schema: {
        tags,
        summary: 'Prove by the code of the text message that the meter is one’s own',
        params: MeterParams,
        body: schemas.OwnershipBody,
        response: { 200: schemas.AddedAnswer, 409: ProblemAnswer, 422: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const claim = { accountId: actorOf(request).accountId, meterId: request.params.id, code: request.body.code }
      const confirmed = await confirmOwnership(parts, claim)
      return reply.header('cache-control', 'no-store').send(toAnswer(confirmed))
    },
  )
}

function toAnswer({ meter: { id, number, kind }, role, state, awaits, code }: AddedMeter) {
  const sent = code && {
    sent_to: maskPhone(code.sentTo),
    expires_at: code.expiresAt.toISOString(),
    resend_at: code.resendAt.toISOString(),
  }
  return { id, number, kind, role, state, awaits, code: sent ?? null }
}

function ownRoutes(app: App, parts: LinkParts): void {
  app.put(
    '/api/meters/:id/default',
    {
      config: { policy: linkedPolicy(parts.db, 'id') },
      schema: {
        tags,
        summary: 'Make this the meter that the app opens with',
        params: MeterParams,
        response: { 204: NoContent },
      },
    },
    async (request, reply) => {
      await setDefaultMeter(parts.db, actorOf(request).accountId, request.params.id)
      return reply.code(204).send(null)
    },
  )
  app.delete(
    '/api/meters/:id',
    {
      config: { policy: ownLinkPolicy(parts.db, 'id') },
      schema: {
        tags,
        summary: 'Take a meter out of one’s list, or a request back; an owner ends the shares as well',
        params: MeterParams,
        response: { 204: NoContent },
      },
    },
    async (request, reply) => {
      await removeMeter(parts, actorOf(request).accountId, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function decideRoute(app: App, parts: LinkParts): void {
  app.put(
    '/api/links/:id',
    {
      config: { policy: linkPolicy(parts.db, 'id') },
      schema: {
        tags,
        summary: 'Accept or refuse a request, or withdraw a share',
        description:
          'The owner decides; the agency of the meter while nobody owns it. An admin can also remove an owner, and the shares with them.',
        params: schemas.LinkParams,
        body: schemas.DecisionBody,
        response: { 204: NoContent, 409: ProblemAnswer },
      },
    },
    async (request, reply) => {
      await decideLink(parts, actorOf(request), request.params.id, request.body.state)
      return reply.code(204).send(null)
    },
  )
}

function shareListRoute(app: App, { db }: LinkParts): void {
  app.get(
    '/api/meters/:id/shares',
    {
      config: { policy: sharesPolicy(db, 'id') },
      schema: {
        tags,
        summary: 'Who sees a meter, and who asks to; oldest request first',
        params: MeterParams,
        querystring: schemas.SharesQuery,
        response: { 200: schemas.SharesAnswer },
      },
    },
    async (request, reply) => {
      const { cursor, limit, state } = request.query
      const page = await sharesOf(db, request.params.id, state, { cursor, limit })
      return reply.header('cache-control', 'no-store').send(page)
    },
  )
}

function agencyListRoute(app: App, { db }: LinkParts): void {
  app.get(
    '/api/agency/links',
    {
      config: { policy: AGENCY_STAFF },
      schema: {
        tags,
        summary: 'The requests that the agency is to validate, oldest first: those for its meters that nobody owns',
        querystring: schemas.AgencyLinksQuery,
        response: { 200: schemas.AgencyLinksAnswer },
      },
    },
    async (request, reply) => {
      const { cursor, limit } = request.query
      const page = await waitingLinks(db, actorOf(request), { cursor, limit })
      return reply.header('cache-control', 'no-store').send(page)
    },
  )
}

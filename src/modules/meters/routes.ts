import type { App, Routes } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { actorOf, LOGGED_IN, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { broughtUpToDate, type Knowledge } from '#src/modules/consumption/knowledge.ts'
import { toBill } from './bill-view.ts'
import { entryPage } from './entry-page.ts'
import { meterErrors } from './errors.ts'
import { type Meter, meterById } from './linked-meters.ts'
import { isLinkedTo } from './meter-policy.ts'
import { myMeters } from './my-meters.ts'
import { toPurchase } from './purchase-view.ts'
import * as schemas from './schemas.ts'

export interface MeterRouteParts {
  readonly knowledge: Knowledge
  /** Who reaches the meter named by the path parameter `id`. */
  readonly policy: ObjectPolicy
}

const tags = ['meters']

export function meterRoutes(parts: MeterRouteParts): Routes {
  return (app) => {
    listRoute(app, parts)
    purchasesRoute(app, parts)
    billsRoute(app, parts)
  }
}

function listRoute(app: App, { knowledge }: MeterRouteParts): void {
  app.get(
    '/api/meters',
    {
      config: { policy: LOGGED_IN },
      schema: {
        tags,
        summary: 'The meters that the caller owns or was let see, or with state=pending has asked for, oldest first',
        querystring: schemas.MetersQuery,
        response: { 200: schemas.MetersAnswer },
      },
    },
    async (request, reply) => {
      const { cursor, limit, state } = request.query
      const page = await myMeters(knowledge.db, actorOf(request).accountId, state, { cursor, limit })
      return reply.header('cache-control', 'no-store').send(page)
    },
  )
}

function purchasesRoute(app: App, { knowledge, policy }: MeterRouteParts): void {
  app.get(
    '/api/meters/:id/purchases',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'The recharges of a Woyofal meter, newest first, and what each franc of them bought',
        params: schemas.MeterParams,
        querystring: schemas.PageQuery,
        response: { 200: schemas.PurchasesAnswer, 422: ProblemAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const { cursor, limit } = request.query
      const meter = await meterOf(knowledge, request.params.id)
      if (meter.kind !== 'prepaid') throw meterErrors.notPrepaid()
      const actor = actorOf(request)
      const seesCodes = actor.role === 'customer' && (await isLinkedTo(knowledge.db, meter.id, actor.accountId))
      const { entries, ...rest } = await pageOf(knowledge, meter, { cursor, limit })
      const items = entries.map((entry) => toPurchase(entry, seesCodes))
      return reply.header('cache-control', 'no-store').send({ meter_id: meter.id, items, ...rest })
    },
  )
}

function billsRoute(app: App, { knowledge, policy }: MeterRouteParts): void {
  app.get(
    '/api/meters/:id/bills',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'The bills of a classic meter, newest first',
        params: schemas.MeterParams,
        querystring: schemas.PageQuery,
        response: { 200: schemas.BillsAnswer, 422: ProblemAnswer, 503: ProblemAnswer },
      },
    },
    async (request, reply) => {
      const { cursor, limit } = request.query
      const meter = await meterOf(knowledge, request.params.id)
      if (meter.kind !== 'postpaid') throw meterErrors.notPostpaid()
      const { entries, ...rest } = await pageOf(knowledge, meter, { cursor, limit })
      return reply.header('cache-control', 'no-store').send({ meter_id: meter.id, items: entries.map(toBill), ...rest })
    },
  )
}

async function meterOf({ db }: Knowledge, meterId: string): Promise<Meter> {
  const meter = await meterById(db, meterId)
  if (meter === undefined) throw httpErrors.notFound()
  return meter
}

async function pageOf(knowledge: Knowledge, meter: Meter, asked: { cursor: string | undefined; limit: number }) {
  const { asOf, stale } = await broughtUpToDate(knowledge, [meter])
  const { entries, nextCursor } = await entryPage(knowledge, meter.id, asked)
  return { entries, next_cursor: nextCursor, as_of: asOf?.toISOString() ?? null, stale }
}

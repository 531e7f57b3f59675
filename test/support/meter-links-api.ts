import { randomInt } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import type { Static } from 'typebox'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import type { Actor } from '#src/core/actor.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Db, openDatabase } from '#src/database/database.ts'
import { databaseProblem } from '#src/database/errors.ts'
import { createMetrics } from '#src/http/metrics.ts'
import { buildServer } from '#src/http/server.ts'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { consumptionRoutes } from '#src/modules/consumption/routes.ts'
import { linkRoutes } from '#src/modules/meters/links/routes.ts'
import type { AddedAnswer, AgencyLinksAnswer, SharesAnswer } from '#src/modules/meters/links/schemas.ts'
import { meterPolicy } from '#src/modules/meters/meter-policy.ts'
import { userPolicy } from '#src/modules/meters/reach.ts'
import { meterRoutes } from '#src/modules/meters/routes.ts'
import type { MetersAnswer } from '#src/modules/meters/schemas.ts'
import { OneTimeCodes } from '#src/modules/one-time-codes/one-time-codes.ts'
import type { RegisteredSupply } from '#src/ports/meter-register.ts'
import { type Caller, TEST_NOW, tokenOf } from '#test/support/consumption-api.ts'
import { AskedPostpaidSource, AskedPrepaidSource } from '#test/support/consumption-sources.ts'
import { testDatabase } from '#test/support/database.ts'
import { type LogCapture, captureLog } from '#test/support/log.ts'
import { MemoryCustomerSource } from '#test/support/memory-customer-source.ts'
import { MemoryMeterRegister } from '#test/support/memory-meter-register.ts'
import { MemorySms } from '#test/support/memory-sms.ts'

export type Added = Static<typeof AddedAnswer>
export type Shares = Static<typeof SharesAnswer>
export type AgencyLinks = Static<typeof AgencyLinksAnswer>
export type Meters = Static<typeof MetersAnswer>

/** A number and police as somebody types them. */
export interface Typed {
  readonly kind: 'prepaid' | 'postpaid'
  readonly number: string
  readonly police?: string
}

export interface Told {
  readonly event: string | undefined
  readonly title: string
  readonly body: string
}

/** Meters, their links and consumption, with the register, text messages, sources and the clock in the test's hands. */
export interface MeterLinksApi extends AsyncDisposable {
  readonly url: string
  readonly db: Db
  readonly register: MemoryMeterRegister
  readonly customers: MemoryCustomerSource
  readonly sms: MemorySms
  readonly sic: AskedPrepaidSource
  readonly log: LogCapture
  readonly kicks: () => number
  passTime(ms: number): void
  call(
    caller: Caller,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<LightMyRequestResponse>
  add(caller: Caller, typed: object): Promise<LightMyRequestResponse>
  /** Adds, takes the code from the message and confirms; the meter's id. */
  own(caller: Caller & { phone: string }, typed: Typed): Promise<string>
  /** Puts a supply into the register; what a customer would type. */
  supply(facts?: Partial<RegisteredSupply> & { kind?: Typed['kind']; number?: string }): Typed
  /** What this account was told, the oldest first. */
  told(accountId: string): Promise<Told[]>
}

export interface MeterLinksOptions {
  readonly withSms?: boolean
  readonly withRegister?: boolean
  /** What the API's statements go through, as a recorder. */
  readonly through?: (db: Db) => Db
}

export async function meterLinksApi(options: MeterLinksOptions = {}): Promise<MeterLinksApi> {
  const { withSms = true, withRegister = true, through = (own) => own } = options
  const capture = captureLog()
  const { log } = capture
  const opened = new CloseStack(createLogger('fatal'))
  const fresh = await testDatabase()
  opened.defer('test database', () => fresh.close())
  const db = through(opened.add('pool', openDatabase({ url: fresh.url, log })).db)
  let now = TEST_NOW
  let kicks = 0
  const clock = (): number => now
  const cache = memoryCache({ clock })
  const [sic, postpaid] = [new AskedPrepaidSource(), new AskedPostpaidSource()]
  const [register, customers, sms] = [new MemoryMeterRegister(), new MemoryCustomerSource(), new MemorySms()]
  const knowledge = openKnowledge({ db, cache, prepaid: sic, postpaid, clock, log })
  const codes = new OneTimeCodes({ clock, sms: withSms ? sms : undefined, secret: 'signs tokens in tests' })
  const links = {
    db,
    clock,
    cache,
    register: withRegister ? register : undefined,
    customers: withRegister ? customers : undefined,
    codes,
    kick: () => void (kicks += 1),
  }
  const { app } = await buildServer({
    log,
    version: '0',
    verifyToken,
    recordRead: readRecorder(db),
    readiness: { phase: () => 'ready', dependencies: async () => ({}), required: [] },
    metrics: createMetrics(),
    metricsToken: undefined,
    translate: databaseProblem,
    routes: [
      consumptionRoutes({ db, cache, clock, log, knowledge, policy: userPolicy(db, 'user_id') }),
      meterRoutes({ knowledge, policy: meterPolicy(db, 'id') }),
      linkRoutes(links),
    ],
  })
  opened.defer('server', () => app.close())

  const api: MeterLinksApi = {
    url: fresh.url,
    db,
    register,
    customers,
    sms,
    sic,
    log: capture,
    kicks: () => kicks,
    passTime: (ms) => void (now += ms),
    call: (caller, method, url, body) =>
      app.inject({ method, url, headers: tokenOf(caller), ...(body !== undefined && { payload: body }) }),
    add: (caller, typed) => api.call(caller, 'POST', '/api/meters', typed),
    async own(caller, typed) {
      const added = await api.add(caller, typed)
      if (added.statusCode !== 201) throw new Error(`not added: ${added.body}`)
      const { id } = added.json<Added>()
      const code = sms.codeFor(caller.phone)
      const confirmed = await api.call(caller, 'POST', `/api/meters/${id}/ownership`, { code })
      if (confirmed.statusCode !== 200) throw new Error(`not confirmed: ${confirmed.body}`)
      return id
    },
    supply({ kind = 'prepaid', number = aNumber(), ...facts } = {}) {
      const police = facts.police ?? aNumber()
      const held = { phone: null, agencyName: null, tariffCode: null, ...facts }
      if (kind === 'prepaid') register.prepaid.push({ number, ...held, police })
      else register.postpaid.push({ contractAccount: number, ...held })
      return kind === 'prepaid' ? { kind, number, police } : { kind, number }
    },
    async told(accountId) {
      const rows = await db
        .selectFrom('notification as n')
        .innerJoin('notification_recipient as r', 'r.notification_id', 'n.id')
        .innerJoin('outbox', 'outbox.task_id', 'n.task_id')
        .select(['n.data', 'n.title', 'n.body'])
        .where('r.account_id', '=', accountId)
        .where('n.type', '=', 'meter_share')
        .orderBy('n.queued_at')
        .orderBy('outbox.created_at')
        .execute()
      return rows.map(({ data, title, body }) => ({ event: data['event'], title, body }))
    },
    [Symbol.asyncDispose]: () => opened.close(),
  }
  return api
}

function aNumber(): string {
  return String(randomInt(10_000_000_000, 99_999_999_999))
}

function verifyToken(token: string): Actor {
  const [role = '', accountId = ''] = token.split('/')
  return { accountId, sessionId: accountId, role: role as Actor['role'] }
}

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ObjectPolicy } from '#src/http/policy.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember, TEST_PASSWORD, TEST_PIN } from './factories.ts'
import type { TestApi } from './api.ts'
import { logIn, post } from './requests.ts'

export const CALLERS = ['anonymous', 'customer', 'agent', 'admin', 'service'] as const
export type Caller = (typeof CALLERS)[number]
/** How an object stands to its caller. `scope` is in the agency of the agent, and nobody else's. */
export const STANDINGS = ['own', 'scope', 'foreign', 'absent'] as const
export type Standing = (typeof STANDINGS)[number]

/** What an object policy may be about: its type, and for notifications from which side. */
export type ObjectType = 'user' | 'meter' | 'link' | 'sent notification' | 'received notification'

export function objectTypeOf({ type, allow }: ObjectPolicy): ObjectType {
  if (type === 'user' || type === 'meter' || type === 'link') return type
  assert.equal(type, 'notification', `no objects of type ${type} are known here: add them to this world`)
  return allow.includes('recipient') ? 'received notification' : 'sent notification'
}

export interface PolicyWorld {
  token(caller: Caller): string | undefined
  /** The id of an object of this type that stands so to this caller. */
  objectId(type: ObjectType, caller: Caller, standing: Standing): string
}

/** Every role, and for each an object of its own, one in the agent's scope, a stranger's and none at all. */
export async function policyWorld({ server: { app }, database: { db } }: TestApi): Promise<PolicyWorld> {
  const agency = await anAgency(db)
  const [customer, inScope, stranger] = [await aCustomer(db), await aCustomer(db), await aCustomer(db)]
  const meter = await aMeter(db, { agencyId: agency.id })
  await aLink(db, { meterId: meter.id, accountId: inScope.id })
  const [customersMeter, strangersMeter] = [await aMeter(db), await aMeter(db)]
  await aLink(db, { meterId: customersMeter.id, accountId: customer.id })
  await aLink(db, { meterId: strangersMeter.id, accountId: stranger.id })
  const friend = await aCustomer(db)
  const shareOf = async (meterId: string): Promise<string> => {
    await aLink(db, { meterId, accountId: friend.id, role: 'shared' })
    const link = await db
      .selectFrom('meter_link')
      .select('id')
      .where('meter_id', '=', meterId)
      .where('account_id', '=', friend.id)
      .executeTakeFirstOrThrow()
    return link.id
  }
  const links = {
    customers: await shareOf(customersMeter.id),
    inAgency: await shareOf(meter.id),
    strangers: await shareOf(strangersMeter.id),
  }
  const staff = {
    agent: await aStaffMember(db, 'agent', agency.code),
    admin: await aStaffMember(db, 'admin'),
    service: await aStaffMember(db, 'service'),
  }
  const logins = {
    customer: await logIn(app, { phone: customer.phone, pin: TEST_PIN }),
    agent: await logIn(app, { login: staff.agent.login, password: TEST_PASSWORD }),
    admin: await logIn(app, { login: staff.admin.login, password: TEST_PASSWORD }),
    service: await logIn(app, { login: staff.service.login, password: TEST_PASSWORD }),
  }
  const notify = async (token: string, userId: string): Promise<string> => {
    const body = { title: 'T', body: 'B', audience: { kind: 'user', user_id: userId }, priority: 'normal' }
    const answer = await post(app, '/notifications', body, token)
    if (answer.statusCode !== 202) throw new Error(`not accepted: ${answer.body}`)
    return answer.json<{ id: string }>().id
  }
  const sent = {
    toCustomer: await notify(logins.service.access_token, customer.id),
    byAgent: await notify(logins.agent.access_token, inScope.id),
    byAdmin: await notify(logins.admin.access_token, stranger.id),
    byService: await notify(logins.service.access_token, stranger.id),
  }
  const own: Record<ObjectType, Partial<Record<Caller, string>>> = {
    user: { customer: customer.id, agent: staff.agent.id, admin: staff.admin.id, service: staff.service.id },
    meter: { customer: customersMeter.id },
    link: { customer: links.customers },
    'sent notification': { agent: sent.byAgent, admin: sent.byAdmin, service: sent.byService },
    'received notification': { customer: sent.toCustomer },
  }
  const inAgency: Record<ObjectType, string> = {
    user: inScope.id,
    meter: meter.id,
    link: links.inAgency,
    'sent notification': sent.byAgent,
    'received notification': sent.byAgent,
  }
  return {
    token: (caller) => (caller === 'anonymous' ? undefined : logins[caller].access_token),
    objectId(type, caller, standing) {
      if (standing === 'own') return own[type][caller] ?? randomUUID()
      if (standing === 'scope') return inAgency[type]
      if (standing === 'absent') return randomUUID()
      if (type === 'user') return stranger.id
      if (type === 'meter') return strangersMeter.id
      if (type === 'link') return links.strangers
      return caller === 'admin' && type === 'sent notification' ? sent.byService : sent.byAdmin
    },
  }
}

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ObjectPolicy, RouteEntry } from '#src/http/policy.ts'
import { buildServer } from '#src/http/server.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import {
  type Caller,
  CALLERS,
  objectTypeOf,
  policyWorld,
  type PolicyWorld,
  type Standing,
  STANDINGS,
} from '#test/support/policy-world.ts'

/**
 * Every route × every role × own, in scope, foreign and absent object, made from the route table itself: a new
 * route is walked the day it is added, and one whose check forgets a case fails here.
 */

let api: TestApi
let world: PolicyWorld

before(async () => {
  api = await testApi()
  world = await policyWorld(api)
})
after(() => api[Symbol.asyncDispose]())

type Verdict = 'passes' | 401 | 403 | 404

const OWN = ['self', 'sender', 'recipient', 'owner or share', 'owner', 'owner of its meter', 'owner, share or request']

/** What the words of the policy promise. */
function promised(policy: ObjectPolicy, caller: Caller, standing: Standing): Verdict {
  if (caller === 'anonymous') return 401
  const allow = (who: string): boolean => policy.allow.includes(who)
  const type = objectTypeOf(policy)
  const isCustomers = type === 'received notification' || type === 'meter' || type === 'link'
  const ownsOne = type === 'user' || isCustomers === (caller === 'customer')
  const isOwn = standing === 'own' && ownsOne && OWN.some(allow)
  const existsForAdmin = standing === 'own' ? !isCustomers : standing !== 'absent'
  const byOffice = caller === 'admin' && allow('admin') && existsForAdmin
  const isInScope = allow('agent in scope') || allow('agent of its agency')
  const byScope = caller === 'agent' && isInScope && standing === 'scope'
  // What the agent of the agency sent is its own, whichever way it is reached.
  const ownByScope = caller === 'agent' && allow('sender') && standing === 'scope'
  return isOwn || byOffice || byScope || ownByScope ? 'passes' : 404
}

function expected({ policy }: RouteEntry, caller: Caller, standing: Standing): Verdict {
  switch (policy.kind) {
    case 'public':
    case 'operators':
      return 'passes'
    case 'logged_in':
      return caller === 'anonymous' ? 401 : 'passes'
    case 'roles':
      if (caller === 'anonymous') return 401
      return (policy.roles as readonly string[]).includes(caller) ? 'passes' : 403
    case 'object':
      return promised(policy, caller, standing)
  }
}

async function call(route: RouteEntry, caller: Caller, standing: Standing): Promise<number> {
  const { policy } = route
  const url = route.url.replaceAll(/:(\w+)/g, (_, name: string) =>
    policy.kind === 'object' && policy.param === name ? world.objectId(objectTypeOf(policy), caller, standing) : 'x',
  )
  const token = world.token(caller)
  const answer = await api.server.app.inject({
    method: route.method as 'GET',
    url,
    // A stream would not end: with an id that is none of ours it does not begin.
    headers: { 'last-event-id': '-', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })
  return answer.statusCode
}

test('every route keeps its policy towards every caller and object', async (t) => {
  const routes = api.server.routeTable.filter(({ url }) => !url.startsWith('/docs') && url !== '/api/logout')
  assert.ok(routes.length > 20, `${routes.length} routes`)
  // What is deleted is gone for the routes that follow.
  routes.sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))
  for (const route of routes) {
    const standings = route.policy.kind === 'object' ? STANDINGS : (['own'] as const)
    await t.test(`${route.method} ${route.url} (${route.policy.kind})`, async () => {
      for (const caller of CALLERS) {
        for (const standing of standings) {
          const status = await call(route, caller, standing)
          const verdict = expected(route, caller, standing)
          const what = `${caller}, ${standing} object: ${status} instead of ${verdict}`
          // A handler may still find fault with an empty request, but the policy is not what refused it.
          if (verdict === 'passes') assert.ok(![401, 403, 404].includes(status) && status !== 500, what)
          else assert.equal(status, verdict, what)
        }
      }
    })
  }
})

test('a logout is for those who are logged in', async () => {
  const answer = await api.server.app.inject({ method: 'POST', url: '/api/logout' })
  assert.equal(answer.statusCode, 401)
})

test('canary: a route without a policy keeps the server from starting', async () => {
  const building = buildServer({
    log: api.log.log,
    version: '0',
    verifyToken: () => assert.fail('nobody calls'),
    recordRead: () => assert.fail('nobody looks'),
    readiness: { phase: () => 'ready', dependencies: async () => ({}), required: [] },
    metrics: (await import('#src/http/metrics.ts')).createMetrics(),
    metricsToken: undefined,
    routes: [(app) => void app.get('/forgotten', () => 'open to all')],
  })
  await assert.rejects(building, /route GET \/forgotten has no policy/)
})

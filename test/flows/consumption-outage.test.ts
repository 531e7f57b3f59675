import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { GROUPINGS } from '#src/modules/consumption/periods.ts'
import { openSources } from '#src/roles/parts/sources.ts'
import { aHousehold, type Answer, consumptionApi, TEST_NOW } from '#test/support/consumption-api.ts'
import { FickleWire } from '#test/support/fickle-wire.ts'
import { OwnConnections } from '#test/support/own-connections.ts'
import { until } from '#test/support/processes.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const CUSTOMERS = 12
/** What the bulkhead of each source lets through. */
const MOST_SOCKETS = 8

test('both sources dead for five minutes: everybody known is answered, and their return shows within ten seconds', async () => {
  const opened = new CloseStack(createLogger('fatal'))
  await using sic = await sicUnderTest()
  await using prepaidWire = await FickleWire.start(sic.port)
  await using postpaidWire = await FickleWire.start(sic.port)
  const wires = [prepaidWire, postpaidWire]
  using prepaidConnections = new OwnConnections(prepaidWire.port)
  using postpaidConnections = new OwnConnections(postpaidWire.port)
  let now = TEST_NOW
  const clock = (): number => now
  const login = (database: 'SIC' | 'HISTH2MC', { port }: FickleWire) => {
    const { host, user, password, encrypt, trustServerCertificate } = sic.options(database)
    return { address: { host, port, database, user, encrypt, trustServerCertificate }, password }
  }
  const sources = openSources(
    { sic: login('SIC', prepaidWire), postpaid: login('HISTH2MC', postpaidWire), bi_ods: undefined },
    clock,
    opened,
  )
  await using api = await consumptionApi({ ...sources, clock, cache: memoryCache({ clock }) })
  const households = await Promise.all(
    Array.from({ length: CUSTOMERS }, () => aHousehold(api.db, 'prepaid', 'postpaid')),
  )
  await sic.insert(
    'HEXING_SENELECBILL_ALHDL2',
    households.map(({ meters }, place) => ({
      NUMERO_COMMANDE: `N${place}`,
      NUMERO_COMPTEUR: meters[0]?.number ?? null,
      POLICE: meters[0]?.police ?? null,
      DATE_TRANSACTION: '2026-03-01 08:00',
      ENERGIE_VENDUE: '113.9',
      MONTANT_RECU: '10000',
    })),
  )
  const readAll = async (grouping: string): Promise<{ status: number; cache: unknown; answer: Answer }[]> => {
    const responses = await Promise.all(
      households.map(({ id }) => api.read({ id }, { query: `?group_by=${grouping}` })),
    )
    return responses.map((response) => ({
      status: response.statusCode,
      cache: response.headers['x-cache'],
      answer: response.json<Answer>(),
    }))
  }

  // On a machine that is busy enough even a source that is well is too slow now and then.
  const areAllKnown = async (): Promise<boolean> => {
    now += 5 * SECOND
    return (await readAll('month')).every(({ status, answer }) => status === 200 && !answer.stale)
  }
  await until('everybody is known', areAllKnown, 60_000)
  for (const { answer } of await readAll('month')) assert.deepEqual([answer.stale, answer.energy_kwh], [false, 113.9])
  now += 20 * MINUTE
  // Hanging is the worst that a source can do; from then on it is down in a way that costs the test no time.
  for (const wire of wires) wire.turn('silent')
  const deadUntil = now + 5 * MINUTE
  for (let step = 0; now < deadUntil; step += 1) {
    for (const { status, cache, answer } of await readAll(GROUPINGS[step % GROUPINGS.length] ?? 'month')) {
      assert.deepEqual([status, cache, answer.stale, answer.energy_kwh], [200, 'STALE', true, 113.9])
      assert.deepEqual(
        answer.sources.map((source) => source.status),
        ['unavailable', 'unavailable'],
      )
    }
    for (const wire of wires) wire.turn('refusing')
    now += 10 * SECOND
  }

  for (const wire of wires) wire.turn('open')
  const backAt = now
  // Customers go on asking, and so keep the breakers and the kept answers at their worst.
  for (now = backAt; now < backAt + 10 * SECOND; now += SECOND) await readAll(now % 2_000 === 0 ? 'month' : 'day')
  for (const grouping of ['month', 'day', 'week']) {
    for (const { answer } of await readAll(grouping)) assert.equal(answer.stale, false, grouping)
  }
  for (const { most } of [prepaidConnections, postpaidConnections]) assert.ok(most > 0 && most <= MOST_SOCKETS)
  await opened.close()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { recorderOf } from '#test/plans/recorder.ts'
import { aHousehold, type Caller, consumptionApi, type ReadOptions } from '#test/support/consumption-api.ts'
import { aSale } from '#test/support/consumption-sources.ts'
import { aLink, anAgency, aStaffMember } from '#test/support/factories.ts'

const HOUSEHOLDS = 60
const QUERIES = ['', '?from=2025-01-01&to=2026-01-01', '?from=2026-01-15&to=2026-03-01&group_by=day']

test('many who ask at once are answered from few statements, and each sees what they see alone', async () => {
  await using api = await consumptionApi()
  const households = await Promise.all(
    Array.from({ length: HOUSEHOLDS }, () => aHousehold(api.db, 'prepaid', 'postpaid')),
  )
  for (const [place, { meters }] of households.entries()) {
    api.sic.add(meters[0]!.key, aSale('2026-02-03T10:00:00Z', String(place + 1), String(100 * (place + 1))))
    // Every other household is shown the next one's meter.
    const next = households[place + 1]
    if (place % 2 === 0 && next !== undefined) {
      await aLink(api.db, { meterId: next.meters[0]!.id, accountId: households[place]!.id, role: 'shared' })
    }
  }
  const agency = await anAgency(api.db)
  const agent = { id: (await aStaffMember(api.db, 'agent', agency.code)).id, role: 'agent' as const }
  const inAgency = households.filter((_, place) => place % 3 === 0)
  const ids = inAgency.map(({ meters }) => meters[0]!.id)
  await api.db.updateTable('meter').set({ agency_id: agency.id }).where('id', 'in', ids).execute()
  const questions: [Caller, ReadOptions][] = [
    ...households.flatMap((household) => QUERIES.map((query): [Caller, ReadOptions] => [household, { query }])),
    ...households.map(({ id, meters }): [Caller, ReadOptions] => [{ id }, { query: `?meter_id=${meters[0]!.id}` }]),
    ...inAgency.map(({ id }): [Caller, ReadOptions] => [agent, { userId: id }]),
  ]

  // So that what is known of a meter is the same for all that follows.
  for (const household of households) await api.read(household)
  const alone = await api.another({ cache: memoryCache() })
  const expected: string[] = []
  for (const [caller, options] of questions) expected.push((await api.read(caller, { ...options, app: alone })).body)
  const recorder = recorderOf(api.db)
  const crowded = await api.another({ cache: memoryCache(), db: recorder.db })
  const answers = await Promise.all(
    questions.map(([caller, options]) => api.read(caller, { ...options, app: crowded })),
  )

  assert.deepEqual(
    answers.map(({ body }) => body),
    expected,
  )
  // An agent sees of a household what the question about that meter shows.
  assert.equal(new Set(expected).size, 4 * HOUSEHOLDS)
  const statements = recorder.take().filter(({ sql }) => sql.includes('consumption_known'))
  assert.ok(statements.length > 0 && statements.length < questions.length / 4, `${statements.length} statements`)
})

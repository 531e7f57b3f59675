import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import type { Cache } from '#src/ports/cache.ts'
import { forgetUsers } from './answer-version.ts'
import { type AnswerParts, Answers, type Load } from './answers.ts'
import type { Consumption, ConsumptionQuestion } from './consumption.ts'
import { consumptionErrors, nothingKnown } from './errors.ts'

const MINUTE = 60_000
const question: ConsumptionQuestion = {
  userId: '8ce01d9c-3779-4dca-9276-902a3342e398',
  scope: { kind: 'all' },
  from: '2026-01-01',
  to: '2026-04-01',
  grouping: 'month',
  meterId: undefined,
}

function consumption(changed: Partial<Consumption> = {}): Consumption {
  const total = { energyWh: 0, amountXof: 0 }
  return {
    question,
    knownFrom: '2016-01-01',
    meters: [],
    total,
    asOf: undefined,
    stale: false,
    sources: [],
    ...changed,
  }
}

function setUp(load: Load) {
  const kept = new Map<string, string>()
  const cache: Cache = {
    get: async (key) => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
    setIfAbsent: async (key, value) => !kept.has(key) && kept.set(key, value).has(key),
    delete: async (...keys) => keys.forEach((key) => kept.delete(key)),
    [Symbol.asyncDispose]: async () => kept.clear(),
  }
  const time = { now: 0 }
  const log = createLogger('silent')
  const given = { cache, load, clock: () => time.now, log, knowledgeFreshForMs: 15 * MINUTE }
  const answersTelling = (onServed: NonNullable<AnswerParts['onServed']>) => new Answers({ ...given, onServed })
  return { answers: new Answers(given), answersTelling, cache, kept, time }
}

/** A load that counts its calls and finishes when told. */
function heldLoad() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const calls: ConsumptionQuestion[] = []
  const load: Load = async (asked, beforeLooking) => {
    calls.push(asked)
    await beforeLooking()
    await released
    return consumption()
  }
  return { load, calls, release }
}

test('everyone who asks the same at the same time shares one computation and its bytes', async () => {
  const { load, calls, release } = heldLoad()
  const { answers } = setUp(load)
  const asking = Array.from({ length: 1_000 }, async () => answers.serve(question))
  const other = answers.serve({ ...question, grouping: 'day' })
  release()
  const served = await Promise.all(asking)
  await other
  assert.deepEqual(
    calls.map((call) => call.grouping),
    ['month', 'day'],
  )
  assert.equal(new Set(served.map((answer) => answer.etag)).size, 1)
  assert.equal((await answers.serve(question)).status, 'HIT')
})

test('who asks after the user was forgotten does not get what was begun before', async () => {
  const { load, calls, release } = heldLoad()
  const { answers, cache } = setUp(load)
  const before = answers.serve(question)
  while (calls.length === 0) await Promise.resolve()
  await forgetUsers(cache, [question.userId])
  const after = answers.serve(question)
  release()
  await Promise.all([before, after])
  assert.equal(calls.length, 2)
})

test('that nothing is known is kept for seconds, and for the user’s version alone', async () => {
  let isKnown = false
  let loads = 0
  const { answers, cache, time } = setUp(async (_asked, beforeLooking) => {
    loads += 1
    await beforeLooking()
    if (!isKnown) throw nothingKnown()
    return consumption()
  })
  const refused = () => assert.rejects(async () => answers.serve(question), { code: 'consumption/source-unavailable' })
  await refused()
  time.now += 2_999
  await refused()
  assert.equal(loads, 1)
  await forgetUsers(cache, [question.userId])
  await refused()
  assert.equal(loads, 2)
  isKnown = true
  time.now += 3_000
  assert.equal((await answers.serve(question)).status, 'MISS')
  assert.equal((await answers.serve(question)).status, 'HIT')
})

test('another refusal is not kept', async () => {
  let isLinked = false
  const { answers } = setUp(async (_asked, beforeLooking) => {
    await beforeLooking()
    if (!isLinked) throw consumptionErrors.meterNotFound()
    return consumption()
  })
  await assert.rejects(async () => answers.serve(question), { code: 'consumption/meter-not-found' })
  isLinked = true
  assert.equal((await answers.serve(question)).status, 'MISS')
})

test('each question is told of by how it was answered', async () => {
  const told: string[] = []
  let stale = false
  const { answersTelling, time } = setUp(async (asked, beforeLooking) => {
    await beforeLooking()
    if (asked.grouping === 'day') throw nothingKnown()
    return consumption({ stale })
  })
  const answers = answersTelling((outcome) => told.push(outcome))
  await answers.serve(question)
  await answers.serve(question)
  for (let twice = 0; twice < 2; twice += 1)
    await assert.rejects(async () => answers.serve({ ...question, grouping: 'day' }))
  stale = true
  time.now += 10 * MINUTE
  await answers.serve(question)
  assert.deepEqual(told, ['MISS', 'HIT', 'NOTHING', 'NOTHING', 'STALE'])
})

test('a stale answer is kept for seconds, and never served while it is renewed', async () => {
  let stale = true
  const { answers, time } = setUp(async (_asked, beforeLooking) => {
    await beforeLooking()
    return consumption({ stale })
  })
  assert.equal((await answers.serve(question)).status, 'STALE')
  stale = false
  time.now += 2_999
  assert.equal((await answers.serve(question)).status, 'STALE')
  time.now += 1
  assert.equal((await answers.serve(question)).status, 'MISS')
})

test('an entry of another release is a miss', async () => {
  const { answers, kept } = setUp(async (_asked, beforeLooking) => {
    await beforeLooking()
    return consumption()
  })
  await answers.serve(question)
  for (const key of kept.keys()) if (key.includes(':answer:')) kept.set(key, '{"from":"a later release"}')
  assert.equal((await answers.serve(question)).status, 'MISS')
})

test('an answer does not wait until it is kept', async () => {
  const { load, release } = heldLoad()
  const { answers, cache } = setUp(load)
  cache.set = () => new Promise(() => {})
  release()
  assert.equal((await answers.serve(question)).status, 'MISS')
  await answers.close()
})

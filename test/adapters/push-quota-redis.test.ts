import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import {
  askBucket,
  type BucketAsk,
  bucketSettings,
  type BucketState,
  emptyBucket,
} from '#src/adapters/push/pace/bucket.ts'
import { BUCKET_SCRIPT } from '#src/adapters/push/pace/bucket-script.ts'
import { readBucketAnswer, RedisQuota } from '#src/adapters/push/pace/redis-quota.ts'
import { type RedisConnection, redisConnection } from '#src/adapters/redis/connection.ts'
import { captureLog } from '#test/support/log.ts'
import { type Redis, startRedis } from '#test/support/redis.ts'

const KEY = 'bucket'
const PATIENT_MS = 30_000
const BULK: BucketAsk = { urgent: 0, bulk: 100_000, rejectedAt: -1, drain: false }

const steps = fc.array(
  fc.record({
    passMs: fc.oneof(fc.double({ min: -50, max: 500, noNaN: true }), fc.double({ min: 0, max: 90_000, noNaN: true })),
    urgent: fc.integer({ min: 0, max: 500 }),
    bulk: fc.integer({ min: 0, max: 20_000 }),
    rejectedAt: fc.integer({ min: -1, max: 4 }),
    drain: fc.integer({ min: 0, max: 20 }).map((lot) => lot === 0),
    isFlushed: fc.integer({ min: 0, max: 20 }).map((lot) => lot === 0),
  }),
  { maxLength: 60 },
)

suite('the bucket in Redis', { timeout: 60_000 }, () => {
  let redis: Redis
  let connection: RedisConnection
  before(async () => {
    redis = await startRedis()
    connection = redisConnection({ url: redis.url, log: captureLog().log, name: 'test' })
    await connection.ready()
  })
  after(async () => {
    await connection[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  const quota = (clock: () => number = Date.now) => {
    const own = redisConnection({ url: redis.url, log: captureLog().log, name: 'push-quota' })
    // On a busy machine an answer takes a while, and is not what these tests are about.
    const patient: Pick<RedisConnection, 'ask' | typeof Symbol.asyncDispose> = {
      ask: (question) => own.ask(question, PATIENT_MS),
      [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
    }
    return {
      connection: own,
      quota: new RedisQuota({ redis: patient, messagesPerMinute: 600_000, workers: 2, clock }),
    }
  }

  test('agrees with the function to the last bit, whatever the history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 60, max: 10_000_000 }), steps, async (messagesPerMinute, history) => {
        const settings = bucketSettings(messagesPerMinute)
        const { tokensPerMs, capacity, leastLevel } = settings
        await connection.client.del(KEY)
        let now = 1_790_000_000_000
        let state: BucketState | undefined
        for (const { passMs, isFlushed, ...ask } of history) {
          now += passMs
          if (isFlushed) {
            await connection.client.del(KEY)
            state = undefined
          }
          const numbers = [
            tokensPerMs,
            capacity,
            leastLevel,
            ask.urgent,
            ask.bulk,
            ask.rejectedAt,
            ask.drain ? 1 : 0,
            now,
          ]
          const inRedis = await connection.client.eval(BUCKET_SCRIPT, { keys: [KEY], arguments: numbers.map(String) })
          const expected = askBucket(settings, state ?? emptyBucket(leastLevel, now), now, ask)
          assert.deepEqual(readBucketAnswer(inRedis), expected.answer)
          state = expected.state
        }
      }),
      { numRuns: 500 },
    )
  })

  test('two workers draw from one bucket, and learn of each other’s rejections', async () => {
    await redis.flush()
    const [one, other] = [quota(), quota()]
    await Promise.all([one.connection.ready(), other.connection.ready()])
    await one.quota.ask(BULK)
    const halved = await one.quota.ask({ ...BULK, bulk: 0, rejectedAt: 0 })
    assert.equal(halved.halvings, 1)
    assert.equal((await other.quota.ask({ ...BULK, bulk: 0 })).halvings, 1)
    assert.equal((await other.quota.ask({ ...BULK, bulk: 0, rejectedAt: 0 })).halvings, 1)
    await Promise.all([one, other].map((each) => each.quota[Symbol.asyncDispose]()))
  })

  test('without Redis each goes on alone, and the shared bucket comes back empty', async () => {
    let nowMs = 1_790_000_000_000
    const { connection: own, quota: subject } = quota(() => nowMs)
    await own.ready()
    await subject.ask(BULK)
    await redis.kill()
    while (own.isReady) await new Promise(setImmediate)
    assert.equal((await subject.ask(BULK)).bulk, 0)
    nowMs += 1_000
    assert.ok((await subject.ask(BULK)).bulk > 0)
    await redis.start()
    await own.ready()
    const back = await subject.ask(BULK)
    assert.equal(back.bulk, 0)
    await subject[Symbol.asyncDispose]()
  })
})

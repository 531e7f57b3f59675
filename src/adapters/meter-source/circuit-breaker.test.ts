import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { CircuitBreaker } from './circuit-breaker.ts'

const PAUSE_MS = 10_000

function setUp(failuresToOpen = 2) {
  let now = 1_000_000
  const breaker = new CircuitBreaker({ failuresToOpen, pauseMs: PAUSE_MS, clock: () => now })
  const asked = { count: 0 }
  const fail = (error: unknown): Promise<void> =>
    assert.rejects(
      breaker.run(() => {
        asked.count += 1
        return Promise.reject(error)
      }),
      (thrown) => thrown === error,
    )
  const passTime = (ms: number): void => {
    now += ms
  }
  return { breaker, asked, fail, passTime }
}

const down = (): SourceUnavailable => new SourceUnavailable('unreachable')
const isRefused = (error: unknown): boolean => error instanceof SourceUnavailable && error.reason === 'circuit_open'
const answer = (): Promise<string> => Promise.resolve('answer')

suite('the circuit breaker', () => {
  test('opens after failures in a row, and then asks no more', async () => {
    const { breaker, asked, fail } = setUp(2)
    await fail(down())
    assert.equal(breaker.state, 'closed')
    await fail(down())
    assert.equal(breaker.state, 'open')
    await assert.rejects(breaker.run(answer), isRefused)
    assert.throws(() => breaker.refuseIfOpen(), isRefused)
    assert.equal(asked.count, 2)
  })

  test('an answer in between starts the count again', async () => {
    const { breaker, fail } = setUp(2)
    await fail(down())
    await breaker.run(answer)
    await fail(down())
    assert.equal(breaker.state, 'closed')
  })

  test('lets exactly one question through after the pause, and closes on its answer', async () => {
    const { breaker, fail, passTime } = setUp(1)
    await fail(down())
    passTime(PAUSE_MS - 1)
    await assert.rejects(breaker.run(answer), isRefused)
    passTime(1)
    const probe = Promise.withResolvers<string>()
    const probing = breaker.run(() => probe.promise)
    assert.equal(breaker.state, 'probing')
    await assert.rejects(breaker.run(answer), isRefused)
    probe.resolve('back')
    assert.equal(await probing, 'back')
    assert.equal(breaker.state, 'closed')
    assert.equal(await breaker.run(answer), 'answer')
  })

  test('a probe that fails costs another whole pause', async () => {
    const { breaker, fail, passTime } = setUp(1)
    await fail(down())
    passTime(PAUSE_MS)
    await fail(down())
    passTime(PAUSE_MS - 1)
    await assert.rejects(breaker.run(answer), isRefused)
    passTime(1)
    assert.equal(await breaker.run(answer), 'answer')
  })

  test('a cancelled question is no failure, and a cancelled probe leaves its place to the next', async () => {
    const { breaker, fail, passTime } = setUp(1)
    await fail(new DOMException('the whole time is over', 'TimeoutError'))
    assert.equal(breaker.state, 'closed')
    await fail(down())
    passTime(PAUSE_MS)
    await fail(new DOMException('cancelled', 'AbortError'))
    assert.equal(await breaker.run(answer), 'answer')
    assert.equal(breaker.state, 'closed')
  })

  test('an answer that cannot be read is an answer', async () => {
    const { breaker, fail } = setUp(1)
    await fail(new SourceUnavailable('malformed'))
    assert.equal(breaker.state, 'closed')
  })

  test('a straggler from before the opening neither closes the circuit nor lengthens the pause', async () => {
    const { breaker, fail, passTime } = setUp(1)
    const late = Promise.withResolvers<string>()
    const later = Promise.withResolvers<string>()
    const answered = breaker.run(() => late.promise)
    const failed = breaker.run(() => later.promise)
    await fail(down())
    late.resolve('late')
    await answered
    assert.equal(breaker.state, 'open')
    passTime(PAUSE_MS - 1)
    later.reject(down())
    await assert.rejects(failed)
    passTime(1)
    assert.equal(await breaker.run(answer), 'answer')
  })
})

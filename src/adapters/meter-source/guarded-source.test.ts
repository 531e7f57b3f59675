import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type PrepaidSource, SourceUnavailable } from '#src/ports/meter-source.ts'
import { guardedPrepaidSource, SourceGuard } from './guarded-source.ts'

const WAIT_MS = 5000
const PAUSE_MS = 10_000
const meter = { number: '14250000016', police: '210000001' }
const range = { from: '2026-01-01', to: '2026-02-01' }

/** A source whose answers the test gives one by one, in the order of the questions. */
function heldSource() {
  let now = 0
  const questions: PromiseWithResolvers<[]>[] = []
  const source: PrepaidSource = {
    sales: () => {
      const question = Promise.withResolvers<[]>()
      questions.push(question)
      return question.promise
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const guard = new SourceGuard({
    failuresToOpen: 1,
    pauseMs: PAUSE_MS,
    clock: () => now,
    concurrent: 2,
    waitTimeoutMs: WAIT_MS,
  })
  const guarded = guardedPrepaidSource(source, guard)
  return {
    questions,
    guard,
    passTime: (ms: number) => void (now += ms),
    ask: (signal?: AbortSignal) => guarded.sales(meter, range, signal),
  }
}

const isReason = (reason: string) => (error: unknown) => error instanceof SourceUnavailable && error.reason === reason

suite('a guarded source', () => {
  test('is asked by only so many at a time; the others go in order', async () => {
    const { questions, ask } = heldSource()
    const asked = [ask(), ask(), ask(), ask()]
    assert.equal(questions.length, 2)
    questions[0]?.resolve([])
    await asked[0]
    assert.equal(questions.length, 3)
    for (const place of [1, 2]) {
      questions[place]?.resolve([])
      await asked[place]
    }
    questions[3]?.resolve([])
    assert.deepEqual(await Promise.all(asked), [[], [], [], []])
  })

  test('costs those in line nothing once it has failed', async () => {
    const { questions, guard, ask } = heldSource()
    const asked = [ask(), ask(), ask(), ask()]
    questions[0]?.reject(new SourceUnavailable('too_slow'))
    const inLine = assert.rejects(asked[2] ?? Promise.resolve(), isReason('circuit_open'))
    await assert.rejects(asked[0] ?? Promise.resolve(), isReason('too_slow'))
    await inLine
    await assert.rejects(asked[3] ?? Promise.resolve(), isReason('circuit_open'))
    await assert.rejects(ask(), isReason('circuit_open'))
    assert.equal(questions.length, 2)
    assert.equal(guard.state, 'open')
    questions[1]?.resolve([])
    await asked[1]
  })

  test('that has paused is asked by exactly one of all who come at once; its answer lets the others in', async () => {
    const { questions, guard, passTime, ask } = heldSource()
    const failed = assert.rejects(ask(), isReason('unreachable'))
    questions[0]?.reject(new SourceUnavailable('unreachable'))
    await failed
    passTime(PAUSE_MS)
    const asked = Array.from({ length: 10 }, () => ask())
    const [probe, ...others] = asked
    assert.ok(probe)
    await Promise.all(others.map((other) => assert.rejects(other, isReason('circuit_open'))))
    assert.equal(questions.length, 2)
    assert.equal(guard.state, 'probing')
    questions[1]?.resolve([])
    assert.deepEqual(await probe, [])
    const next = [ask(), ask()]
    assert.equal(questions.length, 4)
    for (const question of questions) question.resolve([])
    await Promise.all(next)
  })

  test('keeps nobody in line for longer than the wait, and loses no place by it', async (context: TestContext) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const { questions, guard, ask } = heldSource()
    const asked = [ask(), ask()]
    const waiting = assert.rejects(ask(), isReason('too_slow'))
    context.mock.timers.tick(WAIT_MS)
    questions[0]?.resolve([])
    await waiting
    await asked[0]
    assert.equal(guard.state, 'closed')
    const next = ask()
    assert.equal(questions.length, 3)
    questions[1]?.resolve([])
    questions[2]?.resolve([])
    await Promise.all([...asked, next])
  })

  test('a question cancelled in line leaves it at once with the reason of its signal', async () => {
    const { questions, ask } = heldSource()
    const asked = [ask(), ask()]
    const cancel = new AbortController()
    const waiting = ask(cancel.signal)
    const reason = new Error('the customer has gone')
    cancel.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    for (const question of questions) question.resolve([])
    await Promise.all(asked)
    assert.equal(questions.length, 2)
    await assert.rejects(ask(cancel.signal), (error) => error === reason)
  })
})

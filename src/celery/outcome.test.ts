import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError, type ErrorKind } from '#src/core/errors.ts'
import { backoffMs, IgnoreTask, outcomeOfError, RejectTask, RetryTask } from './outcome.ts'

const rule = { maxRetries: 3, retryDelayMs: 180_000, backoffMs: 1_000, longestBackoffMs: 10_000 }
const half = (): number => 0.5

function appError(kind: ErrorKind, retryAfterSeconds?: number): AppError {
  return new AppError('x/y', kind, { fr: 'f', en: 'e' }, retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
}

test('only what passes with time is tried again', () => {
  const kinds: Record<ErrorKind, 'retry' | 'failure'> = {
    invalid: 'failure',
    unauthenticated: 'failure',
    forbidden: 'failure',
    not_found: 'failure',
    conflict: 'failure',
    too_large: 'failure',
    unprocessable: 'failure',
    rate_limited: 'retry',
    unavailable: 'retry',
    internal: 'failure',
  }
  for (const [kind, state] of Object.entries(kinds)) {
    assert.equal(outcomeOfError(appError(kind as ErrorKind), 0, rule, half).state, state, kind)
  }
  assert.equal(outcomeOfError(new TypeError('bug'), 0, rule, half).state, 'failure')
  assert.equal(outcomeOfError('thrown text', 0, rule, half).state, 'failure')
})

test('the wait doubles up to its bound, with full jitter, and is never under what we were told', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 50].map((retries) => backoffMs(retries, rule, () => 0.9999999)),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  )
  assert.equal(
    backoffMs(5, rule, () => 0),
    0,
  )
  const told = outcomeOfError(appError('rate_limited', 60), 0, rule, half)
  assert.ok(told.state === 'retry' && told.delayMs === 60_500)
})

test('with no retries left the cause is the failure', () => {
  const cause = new Error('the cause')
  assert.deepEqual(outcomeOfError(new RetryTask({ cause, delayMs: 5 }), 2, rule, half), {
    state: 'retry',
    error: cause,
    delayMs: 5,
  })
  assert.deepEqual(outcomeOfError(new RetryTask({ cause }), 3, rule, half), { state: 'failure', error: cause })
  assert.equal(outcomeOfError(appError('unavailable'), 3, rule, half).state, 'failure')
  const plain = outcomeOfError(new RetryTask(), 0, rule, half)
  assert.ok(plain.state === 'retry' && plain.delayMs === 180_000)
})

test('reject and ignore', () => {
  assert.deepEqual(outcomeOfError(new RejectTask('no', { requeue: true }), 9, rule, half), {
    state: 'rejected',
    requeue: true,
  })
  assert.deepEqual(outcomeOfError(new IgnoreTask(), 0, rule, half), { state: 'ignored' })
})

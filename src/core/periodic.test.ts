import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureLog } from '#test/support/log.ts'
import { periodically } from './periodic.ts'

/** Wakes what waits when told, and says how long it wanted to wait. */
function handTimers() {
  const waiting: { delayMs: number; wake: () => void }[] = []
  return {
    waiting,
    timers: {
      now: () => 0,
      after(delayMs: number, wake: () => void) {
        const entry = { delayMs, wake }
        waiting.push(entry)
        return () => void (waiting.includes(entry) && waiting.splice(waiting.indexOf(entry), 1))
      },
    },
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('it runs again after each run, also after one that failed', async () => {
  const { timers, waiting } = handTimers()
  const { log, text } = captureLog()
  let runs = 0
  const work = async (): Promise<void> => {
    runs += 1
    if (runs === 2) throw new Error('the second fails')
  }
  const part = periodically({ name: 'test', everyMs: 60, timers, log, work })
  for (let round = 1; round <= 3; round += 1) {
    assert.deepEqual(
      waiting.map(({ delayMs }) => delayMs),
      [60],
    )
    waiting.shift()?.wake()
    await settled()
    assert.equal(runs, round)
  }
  assert.match(text(), /the second fails/)
  await part.close()
  assert.equal(waiting.length, 0)
})

test('closing waits for the run under way and starts no other', async () => {
  const { timers, waiting } = handTimers()
  const { promise, resolve } = Promise.withResolvers<void>()
  const part = periodically({ name: 'test', everyMs: 1, timers, log: captureLog().log, work: () => promise })
  waiting.shift()?.wake()
  let isClosed = false
  const closing = part.close().then(() => (isClosed = true))
  await settled()
  assert.equal(isClosed, false)
  resolve()
  await closing
  assert.equal(waiting.length, 0)
})

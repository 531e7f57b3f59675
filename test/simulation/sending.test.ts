import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runHistories } from './histories.ts'
import { runHistory } from './history.ts'
import type { MemorySendingStore } from './memory-sending-store.ts'

const HISTORIES = 30_000
/** Each of the mistakes below shows within a fraction of these. */
const CANARY_HISTORIES = 12_000

test('whatever crashes, stands still or fails, each device has one outcome, and is sent to twice only if that is noted', async () => {
  const { failures, ...report } = await runHistories({ seed: 1, count: HISTORIES, threads: 2 })
  assert.deepEqual(failures, [], 'a seed that fails is run again by: npm run test:crash -- --histories 1 --seed SEED')
  assert.equal(report.histories, HISTORIES)
  assert.ok(report.crashes > HISTORIES / 10 && report.duplicates > HISTORIES / 100, JSON.stringify(report))
})

/** Mistakes in what the database does, each of which histories must find. */
const MISTAKES: Readonly<Record<string, (store: MemorySendingStore) => void>> = {
  'a chunk can be taken from a lease that was read long ago': (store) => {
    const { take } = store
    store.take = (read, ...rest) => {
      const chunk = store.chunks[read.number - 1]
      return take.call(store, { ...read, lease: chunk?.lease ?? 0 }, ...rest)
    }
  },
  'whoever lost the lease records all the same': (store) => {
    const { record } = store
    store.record = (lease, page) =>
      record.call(store, { ...lease, lease: store.chunks[lease.number - 1]?.lease ?? 0 }, page)
  },
  'what the last holder may have sent is forgotten': (store) => {
    const { chunk } = store
    store.chunk = (number) => {
      const found = chunk.call(store, number)
      return found === undefined ? undefined : { ...found, sendingThrough: null }
    }
  },
  'a claim of a crashed sender bears no mark': (store) => {
    const { claim } = store
    store.claim = (nowMs) => {
      const marks = new Map([...store.rows.values()].map((row) => [row, row.maybeDuplicate]))
      const claims = claim.call(store, nowMs)
      for (const [row, mark] of marks) row.maybeDuplicate = mark
      return claims
    }
  },
  'later attempts come before their time': (store) => {
    const { claim } = store
    store.claim = (nowMs) => claim.call(store, nowMs + 5_000)
    const { queueFollowUp } = store
    store.queueFollowUp = () => {
      queueFollowUp.call(store)
      if (store.followUpAt !== undefined) store.followUpAt = new Date(store.followUpAt.getTime() - 5_000)
    }
  },
  'a page is recorded, and its next attempts are not queued': (store) => {
    const { record } = store
    store.record = (lease, page) => {
      const recorded = record.call(store, lease, page)
      store.followUpAt = undefined
      return recorded
    }
  },
  'nobody is told that it was cancelled': (store) => {
    const { record } = store
    store.record = (lease, page) => {
      const recorded = record.call(store, lease, page)
      return recorded === 'cancelled' ? 'recorded' : recorded
    }
  },
}

for (const [mistake, make] of Object.entries(MISTAKES)) {
  test(`histories notice when ${mistake}`, async () => {
    for (let seed = 1; seed <= CANARY_HISTORIES; seed += 1) {
      const { faults } = await runHistory(seed, make)
      if (faults.length > 0) return
    }
    assert.fail(`nothing was noticed in ${CANARY_HISTORIES} histories`)
  })
}

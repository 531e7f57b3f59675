import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CeleryClient } from '#src/celery/client.ts'
import { workerBench } from './worker-bench.ts'

test('a task sent to a queue that was deleted since is not lost', async () => {
  await using bench = workerBench([])
  await bench.send('t', '1')
  await bench.outside.deleteQueue('q')
  await bench.send('t', '2')
  assert.equal(await bench.ready(), 1)
})

test('a send can be told to stop waiting', async () => {
  await using bench = workerBench([])
  const patience = AbortSignal.abort(new Error('enough'))
  await assert.rejects(bench.client.sendTask({ task: 't', queue: 'q' }, { signal: patience }), /enough/)
  assert.equal(await bench.ready(), 0)
})

test('a declare that failed is tried again by the next send', async () => {
  await using bench = workerBench([])
  const client = new CeleryClient({ broker: bench.outside, clock: bench.time.now })
  bench.outside.dropConnection()
  await assert.rejects(client.sendTask({ task: 't', queue: 'q' }))
  bench.outside.restoreConnection()
  assert.match(await client.sendTask({ task: 't', queue: 'q' }), /^[0-9a-f-]{36}$/)
  assert.equal(await bench.ready(), 1)
})

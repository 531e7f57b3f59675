import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeBench } from './node-bench.ts'
import { settled } from './virtual-time.ts'
import { Gate, gated } from './worker-bench.ts'

test('a node needs a name that can be addressed', () => {
  assert.throws(() => nodeBench([]).makeNode({ name: 'worker1' }), /worker1@host/)
})

test('closed in the middle of its start, it leaves nothing behind', async () => {
  const bench = nodeBench([])
  await bench.listen()
  const { node } = bench.makeNode({ mingleMs: 1_000 })
  const started = node.start()
  await settled()
  const closed = node.close()
  await bench.time.pass(60_000)
  await Promise.all([started, closed])
  assert.deepEqual(await bench.ask('ping'), [])
  assert.deepEqual(
    bench.events.map(({ body }) => body['type']).filter((type) => type !== 'worker-offline'),
    [],
  )
  assert.equal(bench.time.waiting, 0)
  await bench[Symbol.asyncDispose]()
})

test('one that nobody can reach says nothing and hears nothing', async () => {
  await using bench = nodeBench([])
  await bench.listen()
  await bench.outside.declareExchange({ name: 'celery.pidbox', type: 'fanout', durable: false })
  await bench.startNode({ control: false, events: false })
  await bench.time.pass(10_000)
  assert.deepEqual(bench.events, [])
  assert.deepEqual(await bench.ask('ping'), [])
})

test('arguments that are no JSON do not keep a node from answering', async () => {
  const gate = new Gate()
  await using bench = nodeBench([gated(gate)])
  await bench.startNode({ resultOptions: { extended: true } })
  await bench.outside.publish({
    exchange: '',
    routingKey: 'q',
    properties: { contentType: 'application/json', contentEncoding: 'utf-8' },
    headers: { task: 't', id: 'nan' },
    body: Buffer.from('[[], {"n": NaN}, {}]'),
  })
  await settled()
  const [active] = (await bench.askOne('active')) as Record<string, unknown>[]
  assert.equal(active?.['kwargs'], "{'n': nan}")
  await gate.open('nan', 'fine')
  assert.equal((await bench.result('nan'))?.result, 'fine')
})

test('a node closed twice is closed once, and shuts itself down when told', async () => {
  const bench = nodeBench([])
  await bench.listen()
  await bench.startNode()
  await bench.ask('shutdown')
  await bench.time.pass(5_000)
  assert.deepEqual(await bench.ask('ping'), [])
  await bench[Symbol.asyncDispose]()
  assert.equal(bench.events.filter(({ body }) => body['type'] === 'worker-offline').length, 1)
})

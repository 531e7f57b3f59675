import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { defineTask } from '#src/celery/task.ts'
import { headersFromReceived, type ReceivedHeaders } from '#src/ports/message-headers.ts'
import { nodeBench } from './node-bench.ts'
import { settled } from './virtual-time.ts'
import { anything, Gate, gated } from './worker-bench.ts'

interface Pair {
  readonly request: {
    readonly headers: ReceivedHeaders
    readonly body: Readonly<Record<string, unknown>> & { readonly method: string }
  }
  readonly reply: { readonly headers: ReceivedHeaders; readonly body: Readonly<Record<string, unknown>> } | null
}

const read = (file: string): { data: Record<string, unknown> } =>
  JSON.parse(readFileSync(new URL(`../data/celery/${file}.json`, import.meta.url), 'utf8')) as {
    data: Record<string, unknown>
  }
const pairs = read('03-pidbox').data['celery_5.6.3_pairs'] as Pair[]
const NODE = 'w56@specbox'

const names = pairs
  .flatMap(({ reply }) => Object.values(reply?.body ?? {}))
  .flatMap((value) => (Array.isArray(value) ? value : []))
  .filter((value) => typeof value === 'string' && value.startsWith('capp.'))
  .map((value) => String(value).split(' ')[0] ?? '')
const tasks = [...new Set(names)].map((name) =>
  defineTask({
    name,
    acksLate: name === 'capp.slow',
    ...(name === 'capp.prio' ? { rateLimit: '10/m' } : {}),
    parse: anything,
    handler: () => null,
  }),
)

/** Whose answer depends on what the node was doing, or on what it is made of: the same shape is enough. */
const OWN = new Set([
  'stats',
  'active',
  'reserved',
  'scheduled',
  'conf',
  'clock',
  'query_task',
  'hello',
  'memsample',
  'memdump',
  'revoked',
])
/**
 * One who shrinks a pool of busy processes is refused by Celery; we let the tasks end. The order of a set is no order.
 * A worker that sends all events cannot be told to stop; ours can. What is terminated must run: the suite of revocation has it.
 */
const DIFFERENT = (method: string, reply: unknown): boolean =>
  OWN.has(method) || /shrink pool|, '2222|already disabled|terminate: \d/.test(JSON.stringify(reply))

suite('captured requests get the captured replies', () => {
  for (const [index, { request, reply }] of pairs.entries()) {
    const { method } = request.body
    test(`${index} ${method} ${JSON.stringify(request.body['arguments'])}`, async () => {
      const shutdowns: string[] = []
      await using bench = nodeBench(tasks)
      await bench.startNode({ name: NODE, queues: ['celery', 'other'], onShutdown: () => void shutdowns.push('asked') })
      if (index > 30) await bench.ask('add_consumer', { queue: 'newq' })
      const { reply_to: replyTo, ticket: _ticket, ...body } = request.body
      const more = replyTo === undefined ? { ...body, reply_to: null } : body
      const replies = await bench.ask(method, body['arguments'] as object, more, headersFromReceived(request.headers))
      if (method === 'shutdown') assert.deepEqual(shutdowns, ['asked'])
      if (reply === null || method === 'shutdown') {
        // A hello from our own name gets null, which the captured worker sent to itself.
        assert.deepEqual(
          replies.map(({ body: answer }) => answer),
          method === 'hello' ? [{ [NODE]: null }] : [],
        )
        return
      }
      assert.equal(replies.length, 1)
      const [answer] = replies
      assert.equal(answer?.headers['ticket'], 'asker-1'.replace('1', index > 30 ? '2' : '1'))
      assert.equal(typeof answer.headers['clock'], 'number')
      if (!DIFFERENT(method, reply.body)) assert.deepEqual(answer.body, reply.body)
    })
  }
})

const valueOf = (method: string): unknown =>
  pairs.find(({ request }) => request.body.method === method && request.body['arguments'] !== null)?.reply?.body[NODE]

suite('inspections have the captured shape', () => {
  test('stats', async () => {
    await using bench = nodeBench(tasks)
    await bench.startNode({ brokerUrl: 'amqp://someone:secret%40@rabbit:5673/vhost' })
    const stats = (await bench.askOne('stats')) as Record<string, Record<string, unknown>>
    const expected = valueOf('stats') as Record<string, Record<string, unknown>>
    assert.deepEqual(Object.keys(stats), Object.keys(expected))
    for (const part of ['pool', 'broker', 'rusage']) {
      assert.deepEqual(Object.keys(stats[part] ?? {}).toSorted(), Object.keys(expected[part] ?? {}).toSorted(), part)
    }
    assert.equal(typeof stats['clock'], 'string')
    assert.deepEqual(
      [stats['broker']?.['hostname'], stats['broker']?.['port'], stats['broker']?.['virtual_host']],
      ['rabbit', 5673, 'vhost'],
    )
    assert.equal(JSON.stringify(stats).includes('secret'), false)
  })

  test('tasks that run, wait for a slot and wait for their time', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    await bench.startNode({ concurrency: 1, prefetchMultiplier: 4 })
    await bench.send('t', 'runs', [])
    await bench.send('t', 'waits', [])
    await bench.send('t', 'later', [], { eta: new Date(bench.time.now() + 60_000) })
    const [active] = (await bench.askOne('active')) as Record<string, unknown>[]
    const [shape] = valueOf('active') as Record<string, unknown>[]
    assert.deepEqual(Object.keys(active ?? {}), Object.keys(shape ?? {}))
    assert.deepEqual([active?.['id'], active?.['args'], active?.['worker_pid']], ['runs', [], process.pid])
    const [safe] = (await bench.askOne('active', { safe: true })) as Record<string, unknown>[]
    assert.deepEqual([safe?.['args'], safe?.['kwargs']], ['()', '{}'])
    const reserved = (await bench.askOne('reserved')) as Record<string, unknown>[]
    assert.deepEqual(
      reserved.map(({ id, time_start: start }) => [id, start]),
      [['waits', null]],
    )
    const [scheduled] = (await bench.askOne('scheduled')) as { eta: string; request: Record<string, unknown> }[]
    assert.equal(scheduled?.request['id'], 'later')
    assert.match(scheduled?.eta ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
    const found = (await bench.askOne('query_task', { ids: ['runs', 'waits', 'nope'] })) as Record<
      string,
      [string, object]
    >
    assert.deepEqual(
      Object.entries(found).map(([id, [state]]) => [id, state]),
      [
        ['waits', 'reserved'],
        ['runs', 'active'],
      ],
    )
    await gate.open('runs')
    await gate.open('waits')
  })

  test('settings, with every secret masked', async () => {
    await using bench = nodeBench([])
    await bench.startNode({
      settings: {
        broker_url: 'amqp://a:hunter2@h//',
        result_backend: 'redis://:hunter3@h',
        jwt_secret: 'x',
        nested: { api_key: 'y' },
      },
    })
    assert.deepEqual(await bench.askOne('conf'), {
      broker_url: 'amqp://a:********@h//',
      result_backend: 'redis://:********@h',
      jwt_secret: '********',
      nested: { api_key: '********' },
    })
    assert.doesNotMatch(JSON.stringify(await bench.askOne('report')), /hunter/)
  })
})

suite('control while the node works', () => {
  test('slots grow and shrink, and a pool of none is refused', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    await bench.startNode({ concurrency: 1 })
    for (const id of ['1', '2', '3', '4', '5', '6']) await bench.send('t', id)
    await settled()
    assert.deepEqual(gate.entered, ['1'])
    assert.deepEqual(await bench.askOne('pool_grow', { n: 2 }), { ok: 'pool will grow' })
    assert.deepEqual(gate.entered, ['1', '2', '3'])
    assert.deepEqual(await bench.askOne('pool_shrink', { n: 2 }), { ok: 'pool will shrink' })
    for (const id of ['1', '2']) await gate.open(id)
    assert.deepEqual(gate.entered, ['1', '2', '3'])
    await gate.open('3')
    assert.deepEqual(gate.entered, ['1', '2', '3', '4'])
    assert.match(JSON.stringify(await bench.askOne('pool_shrink', { n: 1 })), /ValueError/)
    for (const id of ['4', '5', '6']) await gate.open(id)
  })

  test('a queue is added and given up again', async () => {
    await using bench = nodeBench(tasks)
    await bench.startNode()
    await bench.askOne('add_consumer', { queue: 'more' })
    await bench.client.sendTask({ task: 'capp.add', queue: 'more', id: 'a' })
    assert.equal((await bench.result('a'))?.status, 'SUCCESS')
    assert.equal(((await bench.askOne('active_queues')) as unknown[]).length, 2)
    await bench.askOne('cancel_consumer', { queue: 'more' })
    await bench.client.sendTask({ task: 'capp.add', queue: 'more', id: 'b' })
    assert.equal(await bench.result('b'), undefined)
    await bench.askOne('add_consumer', { queue: 'more' })
    assert.equal((await bench.result('b'))?.status, 'SUCCESS')
  })

  test('a rate limit holds back, and goes', async () => {
    await using bench = nodeBench(tasks)
    await bench.startNode()
    await bench.askOne('rate_limit', { task_name: 'capp.add', rate_limit: '1/m' })
    for (const id of ['1', '2', '3']) await bench.send('capp.add', id)
    const done = async (): Promise<number> =>
      (await Promise.all(['1', '2', '3'].map(async (id) => bench.result(id)))).filter(Boolean).length
    assert.equal(await done(), 1)
    await bench.time.pass(59_000)
    assert.equal(await done(), 1)
    await bench.time.pass(1_000)
    assert.equal(await done(), 2)
    await bench.askOne('rate_limit', { task_name: 'capp.add', rate_limit: 0 })
    assert.equal(await done(), 3)
  })

  test('time limits hold for what starts afterwards', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    await bench.startNode()
    await bench.askOne('time_limit', { task_name: 't', soft: null, hard: 2.5 })
    await bench.send('t', '1')
    await bench.time.pass(2_500)
    assert.deepEqual((await bench.result('1'))?.result, {
      exc_type: 'TimeLimitExceeded',
      exc_message: [2.5],
      exc_module: 'billiard.exceptions',
    })
  })

  test('asked by another name, it is silent; through a broken connection it is heard again', async () => {
    await using bench = nodeBench(tasks)
    const { broker } = await bench.startNode()
    assert.deepEqual(await bench.ask('ping', {}, { destination: ['other@test'] }), [])
    assert.equal((await bench.ask('ping', {}, { pattern: 'worker?@*', matcher: 'glob' })).length, 1)
    assert.deepEqual(await bench.ask('ping', {}, { pattern: 'worker[!1]@*', matcher: 'glob' }), [])
    assert.equal((await bench.ask('ping', {}, { pattern: 'work', matcher: 'pcre' })).length, 1)
    broker.dropConnection()
    assert.deepEqual(await bench.ask('ping'), [])
    broker.restoreConnection()
    await bench.time.pass(10_000)
    assert.equal((await bench.ask('ping')).length, 1)
  })
})

test('what Flower asks at its start is answered by everyone', async () => {
  const asked = read('08-flower').data['flower_pidbox_requests_at_start_and_periodically'] as {
    method: string
    arguments: object
    reply: boolean
  }[]
  await using bench = nodeBench(tasks)
  await bench.startNode({ name: 'a@test' })
  await bench.startNode({ name: 'b@test' })
  for (const { method, arguments: args, reply } of asked) {
    const replies = await bench.ask(method, args, reply ? {} : { reply_to: null })
    assert.deepEqual(
      replies.flatMap(({ body }) => Object.keys(body)).toSorted(),
      reply ? ['a@test', 'b@test'] : [],
      method,
    )
    for (const { body } of replies) assert.doesNotMatch(JSON.stringify(body), /"error"/)
  }
})

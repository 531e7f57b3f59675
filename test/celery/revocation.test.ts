import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RevokedTasks } from '#src/celery/control/revoked-tasks.ts'
import { defineTask } from '#src/celery/task.ts'
import { nodeBench } from './node-bench.ts'
import { settled, VirtualTime } from './virtual-time.ts'
import { anything, Gate, gated } from './worker-bench.ts'

const REVOKED = { exc_type: 'TaskRevokedError', exc_message: ['revoked'], exc_module: 'celery.exceptions' }

suite('revocation', () => {
  test('before delivery, while reserved and while scheduled', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    await bench.startNode({ concurrency: 1 })
    await bench.send('t', 'runs')
    await bench.send('t', 'reserved')
    await bench.send('t', 'scheduled', [], { eta: new Date(bench.time.now() + 5_000) })
    await bench.askOne('revoke', { task_id: ['reserved', 'scheduled', 'to come'] })
    for (const id of ['reserved', 'scheduled', 'to come']) {
      assert.deepEqual((await bench.result(id))?.result, REVOKED, 'at once')
    }
    await bench.send('t', 'to come')
    await gate.open('runs')
    await bench.time.pass(5_000)
    assert.deepEqual(gate.entered, ['runs'])
    assert.equal((await bench.outside.countQueue('q')).messages, 0)
  })

  test('terminated, a task that minds its signal is revoked', async () => {
    const task = defineTask({
      name: 't',
      acksLate: true,
      parse: anything,
      handler: async (_kwargs, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    await using bench = nodeBench([task])
    await bench.listen()
    await bench.startNode()
    await bench.send('t', '1')
    await settled()
    assert.deepEqual(await bench.askOne('revoke', { task_id: '1', terminate: 1, signal: 'SIGKILL' }), {
      ok: 'terminate: 1',
    })
    assert.deepEqual((await bench.result('1'))?.result, { ...REVOKED, exc_message: ['terminated'] })
    const event = bench.events.find(({ body }) => body['type'] === 'task-revoked')?.body
    assert.deepEqual([event?.['terminated'], event?.['signum'], event?.['expired']], [true, 9, false])
    assert.equal((await bench.outside.countQueue('q')).messages, 0)
  })

  test('terminated, one that does not mind is left alone after the grace, and one that ends well has ended well', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    const { node } = await bench.startNode({ concurrency: 2 })
    await bench.send('t', 'deaf')
    await bench.send('t', 'quick')
    await settled()
    await bench.askOne('terminate', { signal: 'TERM', task_id: ['deaf', 'quick'] })
    await gate.open('quick', 'all done')
    assert.equal((await bench.result('quick'))?.result, 'all done')
    assert.equal(node.load.running, 1)
    await bench.time.pass(2_000)
    assert.deepEqual((await bench.result('deaf'))?.result, { ...REVOKED, exc_message: ['terminated'] })
    assert.equal(node.load.running, 0)
  })

  test('a node that starts learns from the others', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    await bench.startNode({ name: 'old@test', queues: ['elsewhere'] })
    await bench.askOne('revoke', { task_id: 'x' })
    await bench.startNode({ name: 'new@test', mingleMs: 1_000 })
    await bench.send('t', 'x')
    assert.equal((await bench.result('x'))?.status, 'REVOKED')
    assert.deepEqual(gate.entered, [])
  })

  test('by stamps', async () => {
    const revoked = new RevokedTasks(new VirtualTime())
    revoked.addStamps({ customer: ['7', '8'] })
    const has = (stamps: Record<string, string | string[]>) =>
      revoked.has({ id: 'x', stampedHeaders: Object.keys(stamps), stamps })
    assert.equal(has({ customer: '7' }), true)
    assert.equal(has({ customer: ['1', '8'] }), true)
    assert.equal(has({ customer: '9', other: '7' }), false)
    assert.equal(has({}), false)
    assert.equal(revoked.has({ id: 'x', stampedHeaders: null, stamps: { customer: '7' } }), false)
  })

  test('50,000 for three hours', () => {
    const time = new VirtualTime()
    const revoked = new RevokedTasks(time)
    revoked.add(Array.from({ length: 50_001 }, (_, n) => `${n}`))
    assert.equal(revoked.ids.length, 50_000)
    assert.equal(revoked.has({ id: '0', stampedHeaders: null, stamps: {} }), false)
    assert.equal(revoked.has({ id: '1', stampedHeaders: null, stamps: {} }), true)
    return time.pass(3 * 3_600_000).then(() => {
      assert.equal(revoked.has({ id: '1', stampedHeaders: null, stamps: {} }), false)
      assert.deepEqual(revoked.ids, [])
    })
  })

  test('travels as Python reads it: every time a float', () => {
    const revoked = new RevokedTasks(new VirtualTime())
    revoked.add(['a', 'b'])
    for (const [id, [seconds, sameId]] of Object.entries(revoked.toWire())) {
      assert.equal(id, sameId)
      assert.ok(!Number.isInteger(seconds))
    }
    const other = new RevokedTasks(new VirtualTime())
    other.addFromWire({ a: [1291.2, 'a'] })
    other.addFromWire(null)
    assert.deepEqual(other.ids, ['a'])
  })
})

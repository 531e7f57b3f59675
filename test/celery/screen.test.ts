import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { settled } from './virtual-time.ts'
import { Gate, gated, workerBench } from './worker-bench.ts'

suite('a task that ends its worker each time', () => {
  test('is asked about before each start, and goes when the answer is yes', async () => {
    const gate = new Gate()
    const asked: [string, boolean][] = []
    const starts = new Map<string, number>()
    const isPoison = (id: string, redelivered: boolean): Promise<boolean> => {
      asked.push([id, redelivered])
      starts.set(id, (starts.get(id) ?? 0) + 1)
      return Promise.resolve((starts.get(id) ?? 0) > 3)
    }
    await using bench = workerBench([gated(gate)], { isPoison })
    await bench.worker.start()
    await bench.send('t', 'killer')
    await settled()
    for (let death = 0; death < 3; death += 1) {
      bench.broker.dropConnection()
      bench.broker.restoreConnection()
      await bench.time.pass(1_000)
    }
    assert.deepEqual(
      asked.map(([, redelivered]) => redelivered),
      [false, true, true, true],
    )
    assert.equal(gate.entered.length, 3)
    assert.equal(bench.log.at(-1), 'failed killer the task has ended every worker that ran it')
    assert.equal(await bench.ready(), 0)
    await gate.open('killer')
  })

  test('runs when nobody can say', async () => {
    const gate = new Gate()
    await using bench = workerBench([gated(gate)], { isPoison: () => Promise.reject(new Error('away')) })
    await bench.worker.start()
    await bench.send('t', '1')
    await settled()
    assert.deepEqual(gate.entered, ['1'])
    await gate.open('1')
  })

  test('is nothing to ask with early ack, which never brings it again', async () => {
    const gate = new Gate()
    await using bench = workerBench([gated(gate, false)], { isPoison: () => Promise.resolve(true) })
    await bench.worker.start()
    await bench.send('t', '1')
    await settled()
    assert.deepEqual(gate.entered, ['1'])
    await gate.open('1')
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { IgnoreTask, RejectTask } from '#src/celery/outcome.ts'
import { defineTask, type TaskContext } from '#src/celery/task.ts'
import { settled } from './virtual-time.ts'
import { Gate, workerBench } from './worker-bench.ts'

interface Row {
  readonly outcome: string
  /** What the handler does once it has been let go. */
  readonly end: (context: TaskContext) => unknown
  readonly acksOnFailureOrTimeout?: boolean
  readonly passMs?: number
  /** What becomes of the message with early ack, then with late ack. */
  readonly early: Ending
  readonly late: Ending
}

interface Ending {
  readonly heard: readonly string[]
  /** Where the message is at the end: acked, back in the queue, or with the dead letters. */
  readonly message: 'acked' | 'requeued' | 'dead'
}

const throwing = (error: unknown) => () => {
  throw error
}

const rows: Row[] = [
  {
    outcome: 'success',
    end: () => 'done',
    early: { heard: ['succeeded 1 "done"'], message: 'acked' },
    late: { heard: ['succeeded 1 "done"'], message: 'acked' },
  },
  {
    outcome: 'exception',
    end: throwing(new Error('boom')),
    early: { heard: ['failed 1 boom'], message: 'acked' },
    late: { heard: ['failed 1 boom'], message: 'acked' },
  },
  {
    outcome: 'exception, without ack on failure',
    end: throwing(new Error('boom')),
    acksOnFailureOrTimeout: false,
    early: { heard: ['failed 1 boom'], message: 'acked' },
    late: { heard: ['failed 1 boom'], message: 'dead' },
  },
  {
    outcome: 'retry',
    end: (context) => context.retry({ cause: new Error('not yet'), delayMs: 3_600_000 }),
    early: { heard: ['retried 1 not yet'], message: 'acked' },
    late: { heard: ['retried 1 not yet'], message: 'acked' },
  },
  {
    outcome: 'reject with requeue',
    end: throwing(new RejectTask('no', { requeue: true })),
    early: { heard: [], message: 'acked' },
    late: { heard: ['rejected 1 true'], message: 'requeued' },
  },
  {
    outcome: 'reject',
    end: throwing(new RejectTask('no', { requeue: false })),
    early: { heard: [], message: 'acked' },
    late: { heard: ['rejected 1 false'], message: 'dead' },
  },
  {
    outcome: 'ignore',
    end: throwing(new IgnoreTask('nothing')),
    early: { heard: [], message: 'acked' },
    late: { heard: [], message: 'acked' },
  },
  {
    outcome: 'hard time limit',
    end: () => new Promise(() => {}),
    passMs: 5_000,
    early: { heard: ['failed 1 5000 ms are over'], message: 'acked' },
    late: { heard: ['failed 1 5000 ms are over'], message: 'acked' },
  },
  {
    outcome: 'hard time limit, without ack on timeout',
    end: () => new Promise(() => {}),
    acksOnFailureOrTimeout: false,
    passMs: 5_000,
    early: { heard: ['failed 1 5000 ms are over'], message: 'acked' },
    late: { heard: ['failed 1 5000 ms are over'], message: 'requeued' },
  },
  {
    outcome: 'soft time limit, uncaught',
    end: ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    passMs: 2_000,
    early: { heard: ['failed 1 2000 ms are over'], message: 'acked' },
    late: { heard: ['failed 1 2000 ms are over'], message: 'acked' },
  },
  {
    outcome: 'soft time limit, which the handler minds',
    end: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('half'))),
    passMs: 2_000,
    early: { heard: ['succeeded 1 "half"'], message: 'acked' },
    late: { heard: ['succeeded 1 "half"'], message: 'acked' },
  },
]

suite('ack matrix', () => {
  for (const row of rows) {
    for (const when of ['early', 'late'] as const) {
      test(`${row.outcome}, ${when} ack`, () => exercise(row, when))
    }
  }
})

async function exercise(row: Row, when: 'early' | 'late'): Promise<void> {
  const gate = new Gate()
  /** Only the first try ends as the row says: a requeued message waits at the gate for ever. */
  const task = defineTask({
    name: 't',
    acksLate: when === 'late',
    acksOnFailureOrTimeout: row.acksOnFailureOrTimeout ?? true,
    softLimitMs: 2_000,
    hardLimitMs: 5_000,
    parse: (kwargs) => kwargs,
    handler: async (_kwargs, context) => {
      await gate.pass(`${context.taskId}${context.redelivered ? ' again' : ''}`)
      return row.end(context)
    },
  })
  // The bench's queue is declared as Celery does; a policy adds the dead letters in production, a rejecting stand-in here.
  await using bench = workerBench([task])
  const settledAs: string[] = []
  spyOnSettling(bench.broker, settledAs)
  await bench.worker.start()
  await bench.send('t', '1')
  await settled()
  assert.deepEqual(gate.entered, ['1'])
  assert.deepEqual(bench.log, ['received 1', 'started 1'])
  assert.deepEqual(settledAs, when === 'early' ? ['ack'] : [], 'at the start')
  await gate.open('1')
  await bench.time.pass(row.passMs ?? 0)
  await settled()
  const expected = row[when]
  assert.deepEqual(
    bench.log.filter((line) => !/^(received|started)/.test(line)),
    expected.heard,
  )
  assert.equal(settledAs[0], { acked: 'ack', requeued: 'requeue', dead: 'drop' }[expected.message])
  // A requeued message runs again, under its limits; the retry waits for its eta.
  const timersLeft = expected.message === 'requeued' ? 2 : row.outcome === 'retry' ? 1 : 0
  assert.equal(bench.time.waiting, timersLeft)
  assert.deepEqual(gate.entered, expected.message === 'requeued' ? ['1', '1 again'] : ['1'])
}

/** Notes how each delivery is settled, on its way to the broker. */
function spyOnSettling(broker: ReturnType<typeof workerBench>['broker'], settledAs: string[]): void {
  const consume = broker.consume.bind(broker)
  broker.consume = (queue, options, onMessage) =>
    consume(queue, options, (delivery) =>
      onMessage({
        ...delivery,
        ack: () => {
          settledAs.push('ack')
          return delivery.ack()
        },
        reject: ({ requeue }) => {
          settledAs.push(requeue ? 'requeue' : 'drop')
          return delivery.reject({ requeue })
        },
      }),
    )
}

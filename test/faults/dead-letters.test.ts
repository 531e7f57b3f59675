import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { DEAD_LETTERS } from '#src/modules/dead-letters/dead-letters.ts'
import { MOST_STARTS } from '#src/modules/task-attempts/task-attempts.ts'
import type { Broker, OutgoingMessage } from '#src/ports/broker.ts'
import { ROOT, type StartedProgram, until } from '#test/support/processes.ts'
import { DEFINITIONS, type RealSystem, realSystem } from '#test/support/real-system.ts'

const HUGE_BYTES = 17 * 1024 * 1024

let system: RealSystem
let broker: Broker
let client: CeleryClient
before(async () => {
  system = await realSystem()
  const url = system.settings['BROKER_URL'] ?? ''
  broker = rabbitmqBroker({ url, log: createLogger('fatal'), name: 'test', timers: systemTimers })
  await broker.connected()
  client = new CeleryClient({ broker, clock: systemClock })
})
after(async () => {
  await broker?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

test('importing the definitions again, by rabbitmqctl, changes nothing', async () => {
  const list = (): Promise<string[]> =>
    Promise.all(
      [['list_policies'], ['list_queues', 'name', 'durable', 'arguments', 'policy'], ['list_bindings']].map(
        // RabbitMQ promises no order.
        async (what) => (await system.rabbitmq.ctl('-q', '-p', 'samaconso', ...what)).split('\n').toSorted().join('\n'),
      ),
    )
  const imported = await list()
  await system.rabbitmq.ctl('import_definitions', join(ROOT, DEFINITIONS))
  assert.deepEqual(await list(), imported)
  assert.match(imported[1] ?? '', /^urgent\ttrue\t\[\]\tdead-letters-of-tasks$/m)
})

test('a replay that is killed loses nothing', async () => {
  const refusing = await broker.consume('low_priority', { prefetch: 0 }, (dead) => dead.reject({ requeue: false }))
  const ids = Array.from({ length: 1_000 }, () => randomUUID())
  await Promise.all(ids.map((id) => client.sendTask({ id, task: 'any', queue: 'low_priority' })))
  await deadLetters(ids.length)
  await refusing.close()
  const program = system.run(['dead-letters', 'replay', '--all'])
  await until('it is under way', async () => (await counts('low_priority'))[0] !== 0)
  program.signal('SIGKILL')
  await program.exited
  await nobodyConsumes(DEAD_LETTERS)
  const found = new Set<string>()
  const consumers = ['low_priority', DEAD_LETTERS].map((queue) =>
    broker.consume(queue, { prefetch: 0 }, (letter) => {
      found.add(letter.headers['id'] as string)
      letter.ack()
    }),
  )
  await until('every letter is somewhere', () => ids.every((id) => found.has(id)))
  await until('nothing is left', async () => (await counts('low_priority', DEAD_LETTERS)).every((count) => count === 0))
  for (const consumer of await Promise.all(consumers)) await consumer.close()
})

test('what no worker can use is dead-lettered at once, found, replayed and dropped', async () => {
  const worker = await system.worker('normal,low_priority')
  const [unknown, badArguments, huge] = [randomUUID(), randomUUID(), randomUUID()]
  await broker.publish(aMessage({ body: Buffer.from('{"password": "hunter2", \u001B[31mno JSON') }))
  await client.sendTask({ id: unknown, task: 'send_a_fax', queue: 'normal', kwargs: { secret: 'hunter2' } })
  await client.sendTask({ id: badArguments, task: 'send_single_notification', queue: 'low_priority' })
  const headers = { task: 'send_single_notification', id: huge }
  await broker.publish(aMessage({ headers, body: Buffer.alloc(HUGE_BYTES, ' ') }))
  await deadLetters(4)

  const listed = await deadLettersCommand(['list'])
  const rows = listed.stdout.trim().split('\n').slice(1)
  assert.equal(rows.length, 4, listed.stdout)
  assert.doesNotMatch(listed.stdout, /hunter2/)
  assert.ok(!listed.stdout.includes('\u001B'), 'nothing in a message reaches the terminal as a command')
  assert.match(rowOf(rows, 'message-'), /normal +undecodable/)
  assert.match(rowOf(rows, unknown), /send_a_fax +normal +unknown task +20\d\d-/)
  assert.match(rowOf(rows, badArguments), /send_single_notification +low_priority +rejected/)
  assert.match(rowOf(rows, huge), new RegExp(`too large +\\S+ +${HUGE_BYTES}`))

  const shown = await deadLettersCommand(['show', unknown])
  assert.match(shown.stdout, /^task +send_a_fax$/m)
  assert.match(shown.stdout, /"secret":"…"/)
  assert.match((await deadLettersCommand(['show', 'nothing'], 1)).stderr, /there is no dead letter nothing/)

  // Nobody consumes, so that what is replayed stays where it can be counted.
  worker.signal('SIGKILL')
  await worker.exited
  await nobodyConsumes('normal')
  const replayed = await deadLettersCommand(['replay', unknown])
  assert.equal(replayed.stdout, `replayed ${unknown} to normal\n`)
  assert.equal((await broker.countQueue('normal')).messages, 1)
  await deadLetters(3)
  await deadLettersCommand(['drop', huge])
  await deadLetters(2)
  assert.match((await deadLettersCommand(['replay', '--all'])).stdout, /replayed message-\S+ to normal/)
  await deadLetters(0)
  assert.deepEqual(await counts('normal', 'low_priority'), [2, 1])

  // As good as new: a worker refuses them once more, and says so once each.
  await system.worker('normal,low_priority')
  await deadLetters(3)
  await deadLettersCommand(['drop', unknown, badArguments])
  await deadLetters(1)
})

test('a task that ends its worker each time is dead-lettered in the end, and can be sent again', async () => {
  // A lock on its notification keeps the task from ever getting further than its start.
  const { db } = system.database
  const id = randomUUID()
  const row = { id, type: 'test', title: 't', body: 'b', data: '{}', priority: 'urgent', audience: '{}' } as const
  const now = new Date()
  const rest = { task_id: randomUUID(), state: 'queued', recipients: 0, queued_at: now, visible_at: now } as const
  await db
    .insertInto('notification')
    .values({ ...row, ...rest })
    .execute()
  const others = (await broker.countQueue(DEAD_LETTERS)).messages
  const killer = randomUUID()
  await db.transaction().execute(async (tx) => {
    await tx.selectFrom('notification').select('id').where('id', '=', id).forUpdate().execute()
    const kwargs = { notification_id: id }
    await client.sendTask({ id: killer, task: 'send_urgent_notification', queue: 'urgent', kwargs })
    for (const [kills, starts] of [0, 1, MOST_STARTS].entries()) {
      // The kills between the second and the last are noted, not done: each takes seconds.
      if (kills === 2)
        await db
          .updateTable('task_attempt')
          .set({ starts: starts - 1 })
          .execute()
      const worker = await system.worker('urgent,high_priority')
      await until('the task has started', async () => (await waitingForLock()) > kills)
      assert.equal(await startsOf(killer), starts)
      worker.signal('SIGKILL')
      await worker.exited
    }
    await system.worker('urgent,high_priority')
    await deadLetters(others + 1)
  })
  const listed = await deadLettersCommand(['list'])
  assert.match(listed.stdout, new RegExp(`^${killer} +send_urgent_notification +urgent +rejected`, 'm'))
  assert.equal(await startsOf(killer), 0)

  // What was wrong is mended: sent again, it runs to its end.
  await deadLettersCommand(['replay', killer])
  await until('the task has run', async () => {
    const found = await db.selectFrom('notification').select('state').where('id', '=', id).executeTakeFirstOrThrow()
    return found.state === 'done'
  })
})

test('without RabbitMQ, its queue, or a word of what to do, the command says so', async () => {
  const away = { BROKER_URL: 'amqp://someone:something-long@127.0.0.1:9/samaconso' }
  const program = system.run(['dead-letters', 'list'], away)
  assert.equal((await program.exited).code, 1)
  assert.match(program.output.stderr, /^samaconso: RabbitMQ does not let us in/)
  const bare = system.run(['dead-letters', 'list'], { BROKER_URL: system.rabbitmq.url })
  assert.equal((await bare.exited).code, 1)
  assert.match(bare.output.stderr, /^samaconso: there is no queue dead_letters here: import [^\n]+\n$/)
  const wrong = [[], ['replay'], ['drop'], ['list', 'x'], ['replay', '--all', 'x'], ['show', 'x', 'y']]
  for (const refused of await Promise.all(wrong.map((args) => deadLettersCommand(args, 1)))) {
    assert.match(refused.stderr, /^samaconso: dead-letters takes: list/)
  }
})

function aMessage({ headers = {}, body }: Pick<OutgoingMessage, 'body'> & Partial<OutgoingMessage>): OutgoingMessage {
  const properties = { contentType: 'application/json', contentEncoding: 'utf-8', deliveryMode: 2 } as const
  return { exchange: '', routingKey: 'normal', properties, headers, body }
}

/** What it prints when it ends with `code`. */
async function deadLettersCommand(args: readonly string[], code = 0): Promise<StartedProgram['output']> {
  const program = system.run(['dead-letters', ...args])
  const exit = await program.exited
  assert.equal(exit.code, code, `${args.join(' ')}: ${program.output.stderr}`)
  return program.output
}

function rowOf(rows: readonly string[], id: string): string {
  const row = rows.find((candidate) => candidate.startsWith(id))
  assert.ok(row !== undefined, `no row of ${id} in ${rows.join('\n')}`)
  return row
}

function deadLetters(count: number): Promise<void> {
  return until(`${count} dead letters`, async () => (await counts(DEAD_LETTERS))[0] === count)
}

/** RabbitMQ has seen the end of whoever did, and put back what that one held. */
function nobodyConsumes(queue: string): Promise<void> {
  return until(`nobody consumes ${queue}`, async () => (await broker.countQueue(queue)).consumers === 0)
}

function counts(...queues: readonly string[]): Promise<number[]> {
  return Promise.all(queues.map(async (queue) => (await broker.countQueue(queue)).messages))
}

async function startsOf(taskId: string): Promise<number> {
  const { db } = system.database
  const row = await db.selectFrom('task_attempt').select('starts').where('task_id', '=', taskId).executeTakeFirst()
  return row?.starts ?? 0
}

/** How many statements wait for a lock. Those of killed workers stay among them: PostgreSQL does not look whether a waiting client is there. */
async function waitingForLock(): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*) as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(system.database.db)
  return rows[0]?.waiting ?? 0
}

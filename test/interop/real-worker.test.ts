import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { after, suite, test } from 'node:test'
import { START_LANES } from '#src/modules/notifications/priorities.ts'
import { until } from '#test/support/processes.ts'
import { realSystem } from '#test/support/real-system.ts'
import { celeryOfThisRun } from './bench.ts'
import { celeryCommand, type Engines, PythonClient } from './python-process.ts'
import { venv } from './venv.ts'

const NODE = `worker2@${hostname()}`
const nothingToSend = (): string => `kwargs={'notification_id': '${randomUUID()}'}`

const [system, environment] = await Promise.all([realSystem(), venv(celeryOfThisRun())])
const worker = system.run(['worker', '--queues', 'normal,low_priority', '--concurrency', '3', '--name', 'worker2'])
await worker.line(/"msg":"the worker is ready"/)
const engines: Engines = {
  brokerUrl: system.settings['BROKER_URL'] ?? '',
  resultUrl: system.settings['REDIS_URL'] ?? '',
}
const python = new PythonClient(environment, engines)
after(async () => {
  await python[Symbol.asyncDispose]()
  await system[Symbol.asyncDispose]()
})

const get = (call: string): Promise<unknown> => python.eval(`app.send_task(${call}).get(timeout=60)`)

suite(`the worker process and ${celeryOfThisRun()}`, () => {
  test('celery status', async () => {
    const { code, output } = await celeryCommand(environment, engines, ['status', '-t', '5'])
    assert.equal(code, 0, output)
    assert.ok(output.replace(/->|\s/g, '').includes(`${NODE}:OK`), output)
  })

  test('celery inspect, without a password in what it shows', async () => {
    const { code, output } = await celeryCommand(environment, engines, [
      'inspect',
      '-t',
      '60',
      '-d',
      NODE,
      'registered',
    ])
    assert.equal(code, 0, output)
    for (const { task } of Object.values(START_LANES)) assert.ok(output.includes(task), task)
    const stats = await python.eval<Record<string, { pool: Record<string, unknown> }>>(
      `app.control.inspect(['${NODE}'], timeout=60).stats()`,
    )
    assert.equal(stats[NODE]?.pool['max-concurrency'], 3)
    assert.ok(!JSON.stringify(stats).includes(system.rabbitmq.password))
  })

  test('a task of the utility’s own programs runs and answers', async () => {
    for (const { queue, task } of [START_LANES.normal, START_LANES.low]) {
      const result = (await get(`'${task}', queue='${queue}', ${nothingToSend()}`)) as Record<string, unknown>
      assert.equal(result['worked'], false, 'a notification that nobody knows')
    }
  })

  test('what is no call of ours is told to whoever waits, and kept as a dead letter', async () => {
    await assert.rejects(get("'send_single_notification', queue='normal', kwargs={'notification_id': 'x'}"), {
      type: 'TypeError',
    })
    await assert.rejects(get("'not_ours', queue='normal'"), { type: 'NotRegistered' })
    const { output } = await finished(['dead-letters', 'list'])
    for (const task of ['send_single_notification', 'not_ours']) assert.ok(output.includes(task), output)
  })

  test('a stop gives back what waits for its time', async () => {
    const call = `app.send_task('send_single_notification', queue='normal', countdown=3600, ${nothingToSend()}).id`
    const id = await python.eval<string>(call)
    const scheduled = `[item['request']['id'] for item in app.control.inspect(['${NODE}'], timeout=60).scheduled()['${NODE}']]`
    await until('it waits', async () => (await python.eval<string[]>(scheduled)).includes(id))
    worker.signal('SIGTERM')
    assert.deepEqual(await worker.exited, { code: 0, signal: null })
    const messages = "app.connection_for_read().channel().queue_declare('normal', passive=True).message_count"
    await until('it is in its queue', async () => (await python.eval(messages)) === 1)
  })
})

async function finished(args: readonly string[]): Promise<{ output: string }> {
  const program = system.run(args)
  const { code } = await program.exited
  const output = program.output.stdout + program.output.stderr
  assert.equal(code, 0, output)
  return { output }
}

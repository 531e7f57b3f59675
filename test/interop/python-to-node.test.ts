import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { PythonRaised } from './python-process.ts'
import { celeryOfThisRun, interopBench } from './bench.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const { python } = bench
const seen: string[] = []
await bench.startNode('worker1@node', interopTasks(seen))
after(async () => bench[Symbol.asyncDispose]())

const send = (call: string): string => `app.send_task(${call}, queue='node').get(timeout=60)`

async function raised(expression: string): Promise<PythonRaised> {
  try {
    await python.eval(expression)
  } catch (error) {
    if (error instanceof PythonRaised) return error
    throw error
  }
  throw new assert.AssertionError({ message: `${expression} did not raise` })
}

suite('a Python client and our worker', () => {
  test('success, with arguments by position and by name', async () => {
    assert.equal(await python.eval(send("'node.add', args=[2, 3]")), 5)
    assert.equal(await python.eval(send("'node.add', kwargs={'x': 2, 'y': 40}")), 42)
    assert.equal(await python.eval(send("'node.echo', args=[None]")), null)
  })

  test('many at once', async () => {
    const calls =
      "sum(r.get(timeout=60) for r in [app.send_task('node.add', args=[n, 1], queue='node') for n in range(200)])"
    assert.equal(await python.eval(calls), 20_100)
  })

  test('an error that Python knows is raised as its own class', async () => {
    const error = await raised(send("'node.fail'"))
    assert.deepEqual([error.module, error.type, error.args], ['builtins', 'ValueError', ['bad thing', '42']])
    const typeError = await raised(send("'node.type_error'"))
    assert.deepEqual([typeError.module, typeError.type], ['builtins', 'TypeError'])
  })

  test('an error of ours has its name', async () => {
    const error = await raised(send("'node.app_error'"))
    assert.equal(error.type, 'AppError')
    assert.deepEqual(error.args, ['meters/not-found', 'Unknown'])
  })

  test('an unknown task, wrong arguments, a result that is no JSON', async () => {
    assert.equal((await raised(send("'node.absent'"))).type, 'NotRegistered')
    assert.equal((await raised(send("'node.add', args=[1, 2, 3]"))).type, 'TypeError')
    assert.equal((await raised(send("'node.unwritable'"))).type, 'EncodeError')
  })

  test('a retry is the same task again', async () => {
    assert.equal(await python.eval(send("'node.flaky', args=[2]")), 'after 2')
    const error = await raised(send("'node.flaky', args=[9]"))
    assert.deepEqual([error.module, error.type, error.args], ['builtins', 'RuntimeError', ['not yet']])
  })

  test('a header of the sender’s own is there after a retry too', async () => {
    assert.equal(await python.eval(send("'node.header', headers={'x-mine': 'ours'}")), 'ours')
  })

  test('eta, expires, priority and ignored results', async () => {
    assert.equal(await python.eval(send("'node.add', args=[1, 1], countdown=0.3")), 2)
    assert.equal(await python.eval(send("'node.add', args=[1, 1], eta=datetime.now()")), 2, 'naive is UTC')
    assert.equal(await python.eval(send("'node.add', args=[1, 1], priority=5, expires=60")), 2)
    assert.equal(
      (await raised(send("'node.add', args=[1, 1], expires=datetime.now(timezone.utc) - timedelta(seconds=5)"))).type,
      'TaskRevokedError',
    )
    const id = await python.eval<string>("app.send_task('node.add', args=[1, 1], queue='node', ignore_result=True).id")
    assert.equal(await python.eval(send("'node.add', args=[1, 1]")), 2)
    assert.ok(seen.includes(id))
    assert.equal(await bench.results.read(id), undefined)
  })

  test('Python’s own types, and a compressed body', async () => {
    const types =
      "'node.types', kwargs={'d': datetime(2024, 1, 2), 'u': UUID(int=5), 'dec': Decimal('1.50'), 'big': 2**70}"
    assert.deepEqual(await python.eval(`[str(v) for v in ${send(types)}.values()]`), [
      '2024-01-02T00:00:00',
      '00000000-0000-0000-0000-000000000005',
      '1.50',
      '1180591620717411303424',
    ])
    // Celery 5.2 cannot send bytes.
    if (celeryOfThisRun() !== 'celery-5.2.6') {
      assert.equal(await python.eval(`${send("'node.echo', args=[b'ab\\xff']")} == b'ab\\xff'`), true)
    }
    assert.equal(await python.eval(send("'node.add', args=[1, 2], compression='gzip'")), 3)
  })

  test('protocol 1', async () => {
    const protocol = (version: number) =>
      python.eval(
        `(setattr(app.conf, 'task_protocol', ${version}), app.amqp.__dict__.pop('create_task_message', None)) and None`,
      )
    await protocol(1)
    assert.equal(await python.eval(send("'node.add', args=[4, 5]")), 9)
    assert.equal(await python.eval(send("'node.origin'")), '', 'which does not say where it comes from')
    await protocol(2)
    assert.match(await python.eval(send("'node.origin'")), /^gen\d+@/)
  })

  test('a state of the task’s own, then its termination', async () => {
    const id = await python.eval<string>("app.send_task('node.progress', queue='node').id")
    const progress = await python.eval(
      `next(r for r in iter(lambda: (__import__('time').sleep(0.02), AsyncResult('${id}', app=app)._get_task_meta())[1], None) if r['status'] == 'PROGRESS')['result']`,
    )
    assert.deepEqual(progress, { done: 1, of: 2 })
    await python.eval(`app.control.revoke('${id}', terminate=True)`)
    assert.equal((await raised(`AsyncResult('${id}', app=app).get(timeout=60)`)).type, 'TaskRevokedError')
  })

  test('what is stored lives a day and is not overwritten', async () => {
    const id = await python.eval<string>(
      "[r for r in [app.send_task('node.add', args=[1, 1], queue='node')] if r.get(timeout=60)][0].id",
    )
    assert.equal(await python.eval(`app.backend.client.ttl('celery-task-meta-${id}') > 86390`), true)
    await python.eval(`app.backend.store_result('${id}', None, 'FAILURE')`)
    assert.equal(await python.eval(`AsyncResult('${id}', app=app).get(timeout=60)`), 2)
  })
})

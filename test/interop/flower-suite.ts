import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { after, suite, test } from 'node:test'
import { START_LANES } from '#src/modules/notifications/priorities.ts'
import { type StartedProgram, until } from '#test/support/processes.ts'
import { realSystem } from '#test/support/real-system.ts'
import { Flower, type FlowerAnswer } from './flower.ts'
import { type Requirements, venv } from './venv.ts'

type Fields = Readonly<Record<string, unknown>>

interface WorkerInfo {
  readonly stats: { readonly pool: Fields }
  readonly active_queues: readonly { readonly name: string }[]
  readonly registered: readonly string[]
  readonly scheduled: readonly { readonly request: Fields }[]
  readonly revoked: readonly string[]
}

const ANSWERS = ['stats', 'active_queues', 'registered', 'scheduled', 'revoked'] as const
const FIRST = `worker1@${hostname()}`
const SECOND = `worker2@${hostname()}`

/** Everything that an operator does with Flower, on real processes of ours. */
export async function flowerSuite(requirements: Requirements): Promise<void> {
  const [system, environment] = await Promise.all([realSystem(), venv(requirements)])
  const start = async (name: string, queues: string): Promise<StartedProgram> => {
    const program = system.run(['worker', '--queues', queues, '--name', name])
    await program.line(/"msg":"the worker is ready"/)
    return program
  }
  const first = await start('worker1', 'urgent,high_priority')
  const second = await start('worker2', 'normal,low_priority')
  const flower = await Flower.start(environment, system)
  after(async () => {
    await flower[Symbol.asyncDispose]()
    await system[Symbol.asyncDispose]()
  })

  const listed = async (node: string): Promise<Fields | undefined> => {
    const { data } = await flower.json<{ data: readonly Fields[] }>('/workers?json=1')
    return data.find(({ hostname: name }) => name === node)
  }
  /** Flower gives a worker one second to answer each question, and shows the answers that it has. */
  const inspected = async (node: string): Promise<WorkerInfo> => {
    let worker: Partial<WorkerInfo> = {}
    await until(`${node} has answered all of them`, async () => {
      const path = `/api/workers?refresh=1&workername=${node}`
      worker = (await flower.json<Record<string, Partial<WorkerInfo>>>(path))[node] ?? {}
      return ANSWERS.every((answer) => worker[answer] !== undefined)
    })
    return worker as WorkerInfo
  }
  const send = async (path: string, body: Fields): Promise<Fields> => {
    const { status, text } = await flower.post(path, body)
    assert.equal(status, 200, text)
    return JSON.parse(text) as Fields
  }
  const resultOf = async (id: unknown): Promise<Fields> => {
    const path = `/api/task/result/${String(id)}`
    await until('the task has a result', async () => (await flower.json<Fields>(path))['state'] !== 'PENDING')
    return await flower.json<Fields>(path)
  }
  const isDone = ({ status, text }: FlowerAnswer, message: RegExp): void => {
    assert.equal(status, 200, text)
    assert.match(text, message)
  }
  const nothingToSend = (): Fields => ({ kwargs: { notification_id: randomUUID() } })

  await suite(`Flower, ${requirements}`, async () => {
    await test('nobody gets in without an account', async () => {
      const wrong = [`operator:`, 'admin:admin', 'operator:wrong'].map((account) => btoa(account))
      for (const authorization of ['', ...wrong.map((account) => `Basic ${account}`)]) {
        for (const path of ['/workers', '/api/workers', '/api/tasks']) {
          assert.equal((await flower.get(path, authorization)).status, 401, `${path} for ${authorization}`)
        }
      }
      assert.ok(!readFileSync(`/proc/${flower.pid}/cmdline`, 'utf8').includes(system.rabbitmq.password))
    })

    await test('the list of workers has both, alive', async () => {
      await until('both are listed', async () => {
        const workers = await Promise.all([listed(FIRST), listed(SECOND)])
        return workers.every((worker) => worker?.['status'] === true)
      })
      assert.deepEqual((await listed(FIRST))?.['sw_ident'], 'node-celery')
    })

    await test('what each worker says of itself, and no password', async () => {
      assert.deepEqual(
        (await inspected(FIRST)).active_queues.map(({ name }) => name),
        ['urgent', 'high_priority'],
      )
      const { stats, registered } = await inspected(SECOND)
      assert.equal(stats.pool['max-concurrency'], 4)
      const names = Object.values(START_LANES).map(({ task }) => task)
      for (const name of names)
        assert.ok(
          registered.some((item) => item.startsWith(name)),
          name,
        )
      const { text } = await flower.get('/api/workers?refresh=1')
      assert.deepEqual(Object.keys(JSON.parse(text) as Fields).toSorted(), [FIRST, SECOND])
      assert.ok(!text.includes(system.rabbitmq.password))
    })

    await test('the page of a worker', async () => {
      const { status, text } = await flower.get(`/worker/${SECOND}`)
      assert.equal(status, 200, text)
      for (const shown of ['low_priority', 'send_single_notification']) assert.ok(text.includes(shown), shown)
      assert.ok(!text.includes(system.rabbitmq.password))
    })

    await test('the stubs name every task and its queue', () => {
      const stubs = readFileSync(new URL('../../deploy/server-3/flower/stubs.py', import.meta.url), 'utf8')
      const lanes = [...stubs.matchAll(/"(\w+)": "(\w+)"/g)].map(([, task, queue]) => [task, queue])
      assert.deepEqual(
        lanes.slice(0, 4),
        Object.values(START_LANES).map(({ task, queue }) => [task, queue]),
      )
    })

    await test('task events, which Flower turns on', async () => {
      await until('Flower hears of tasks', async () => {
        const task = await send('/api/task/send-task/send_single_notification', { ...nothingToSend(), queue: 'normal' })
        await resultOf(task['task-id'])
        return Object.keys(await flower.json<Fields>('/api/tasks')).length > 0
      })
    })

    await test('a task that is sent from Flower runs, and its way is shown', async () => {
      const task = await send('/api/task/send-task/send_single_notification', { ...nothingToSend(), queue: 'normal' })
      const id = String(task['task-id'])
      const result = await resultOf(id)
      assert.equal(result['state'], 'SUCCESS')
      assert.equal((result['result'] as Fields)['worked'], false)
      await until('Flower has heard of its end', async () => {
        const tasks = await flower.json<Record<string, Fields>>('/api/tasks')
        return tasks[id]?.['state'] === 'SUCCESS' && tasks[id]['worker'] === SECOND
      })
      const info = await flower.json<Fields>(`/api/task/info/${id}`)
      assert.deepEqual([info['name'], info['result'] !== null], ['send_single_notification', true])
      for (const page of [`/task/${id}`, '/tasks', '/broker', '/metrics']) {
        assert.equal((await flower.get(page)).status, 200, page)
      }
    })

    await test('apply and async-apply send a known name to its own queue', async () => {
      const applied = await send('/api/task/apply/send_urgent_notification', nothingToSend())
      assert.equal((applied['result'] as Fields)['worked'], false, 'apply waits for the result')
      const sent = await send('/api/task/async-apply/send_broadcast_notifications', nothingToSend())
      assert.equal((await resultOf(sent['task-id']))['state'], 'SUCCESS')
      assert.equal((await flower.post('/api/task/apply/not_ours', nothingToSend())).status, 404)
    })

    await test('a task that fails is shown with its error', async () => {
      const task = await send('/api/task/send-task/send_single_notification', { kwargs: {}, queue: 'normal' })
      const id = String(task['task-id'])
      await until('Flower has heard of its end', async () => {
        const tasks = await flower.json<Record<string, Fields>>('/api/tasks')
        return tasks[id]?.['state'] === 'FAILURE'
      })
    })

    await test('lengths of the queues come through RabbitMQ’s management', async () => {
      // The management plugin counts every five seconds.
      await until('all four are there', async () => {
        const { active_queues: queues } = await flower.json<{ active_queues: readonly Fields[] }>('/api/queues/length')
        const names = queues.map(({ name }) => String(name)).toSorted()
        const areCounted = queues.every(({ messages }) => typeof messages === 'number')
        return areCounted && names.join() === 'high_priority,low_priority,normal,urgent'
      })
    })

    await test('more and fewer tasks at a time', async () => {
      const atATime = async (): Promise<unknown> => (await inspected(SECOND)).stats.pool['max-concurrency']
      isDone(await flower.press(`/api/worker/pool/grow/${SECOND}?n=3`), /Growing/)
      await until('there are three more', async () => (await atATime()) === 7)
      isDone(await flower.press(`/api/worker/pool/shrink/${SECOND}?n=2`), /Shrinking/)
      await until('there are two fewer', async () => (await atATime()) === 5)
    })

    await test('another queue, and without it again', async () => {
      const queues = async (): Promise<string> => (await inspected(SECOND)).active_queues.map(({ name }) => name).join()
      isDone(await flower.press(`/api/worker/queue/add-consumer/${SECOND}`, { queue: 'extra' }), /add consumer extra/)
      await until('it is consumed', async () => (await queues()).includes('extra'))
      isDone(await flower.press(`/api/worker/queue/cancel-consumer/${SECOND}`, { queue: 'extra' }), /no longer/)
      await until('it is not consumed', async () => !(await queues()).includes('extra'))
    })

    await test('limits of a task', async () => {
      const task = 'send_single_notification'
      const limits = { workername: SECOND, soft: '50', hard: '60' }
      isDone(await flower.press(`/api/task/timeout/${task}`, limits), /time limits set/)
      const rate = { workername: SECOND, ratelimit: '100/m' }
      isDone(await flower.press(`/api/task/rate-limit/${task}`, rate), /new rate limit set/)
      const isLimited = async (): Promise<boolean> =>
        (await inspected(SECOND)).registered.some((item) => /single.*rate_limit=100\/m/.test(item))
      await until('it is limited', isLimited)
      isDone(await flower.press(`/api/task/rate-limit/${task}`, { ...rate, ratelimit: '0' }), /disabled/)
    })

    await test('what Node workers do not do is said, not pretended', async () => {
      const restarted = await flower.press(`/api/worker/pool/restart/${SECOND}`)
      assert.deepEqual([restarted.status, /not enabled/.test(restarted.text)], [403, true])
      const scaled = await flower.press(`/api/worker/pool/autoscale/${SECOND}`, { min: '1', max: '9' })
      assert.deepEqual([scaled.status, /not enabled/.test(scaled.text)], [403, true])
    })

    await test('a scheduled task is shown and can be revoked', async () => {
      const later = { ...nothingToSend(), queue: 'normal', countdown: 3600 }
      const id = String((await send('/api/task/send-task/send_single_notification', later))['task-id'])
      const isScheduled = async (): Promise<boolean> =>
        (await inspected(SECOND)).scheduled.some(({ request }) => request['id'] === id)
      await until('it waits', isScheduled)
      assert.equal((await flower.get(`/worker/${SECOND}`)).status, 200)
      isDone(await flower.press(`/api/task/revoke/${id}?terminate=true`), /Revoked/)
      await until('it is revoked', async () => (await inspected(SECOND)).revoked.includes(id))
    })

    await test('a worker that is told to stop ends in order, and is offline at once', async () => {
      isDone(await flower.press(`/api/worker/shutdown/${SECOND}`), /Shutting down/)
      assert.deepEqual(await second.exited, { code: 0, signal: null })
      await until('it is offline', async () => (await listed(SECOND))?.['status'] === false)
      // By its own word: one that is merely missed leaves its last beats behind.
      assert.deepEqual((await listed(SECOND))?.['heartbeats'], [])
    })

    await test('a worker that is killed is offline after two missed beats', async () => {
      await until('it is there', async () => (await listed(FIRST))?.['status'] === true)
      first.signal('SIGKILL')
      await first.exited
      // Twice the two seconds between beats, and what the machine needs.
      await until('it is offline', async () => (await listed(FIRST))?.['status'] === false, 10_000)
    })
  })
}

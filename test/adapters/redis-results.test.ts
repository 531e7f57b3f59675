import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createClient } from '@redis/client'
import { redisResults } from '#src/adapters/results/redis.ts'
import { createLogger } from '#src/core/logger.ts'
import { ResultStoreUnavailable } from '#src/ports/result-store.ts'
import { resultStoreConformance } from '#test/conformance/result-store.ts'
import { until } from '#test/support/processes.ts'
import { startRedis } from '#test/support/redis.ts'
import { TcpInterposer } from '#test/support/tcp-interposer.ts'

const server = await startRedis()
const client = await createClient({ url: server.url })
  .on('error', () => {})
  .connect()
const log = createLogger('silent')

after(async () => {
  client.destroy()
  await server[Symbol.asyncDispose]()
})

/** Commands fail at once until the connection is there. */
async function opened(url = server.url): Promise<ReturnType<typeof redisResults>> {
  const store = redisResults({ url, log })
  for (;;) {
    try {
      await store.read('nothing')
      return store
    } catch (error) {
      if (!(error instanceof ResultStoreUnavailable)) throw error
      await new Promise(setImmediate)
    }
  }
}

resultStoreConformance('Redis', async () => ({
  store: await opened(),
  saveGroup: async (id, text) => void (await client.set(`celery-taskset-meta-${id}`, text)),
}))

test('keys and their lifetimes are Celery’s', async () => {
  await using store = await opened()
  await store.write('a', '{}', () => false)
  await store.setChordSize('g', 2)
  await store.addChordPart('g', { index: 0, text: 'part' })
  assert.deepEqual((await client.keys('*')).filter((key) => /-(?:a|g\..)$/.test(key)).toSorted(), [
    'celery-task-meta-a',
    'celery-taskset-meta-g.j',
    'celery-taskset-meta-g.s',
  ])
  for (const key of ['celery-task-meta-a', 'celery-taskset-meta-g.j', 'celery-taskset-meta-g.s']) {
    assert.ok((await client.ttl(key)) > 86_390, key)
  }
})

test('a watcher learns after an outage what it missed, and questions fail meanwhile', async () => {
  const direct = new URL(server.url)
  const way = await TcpInterposer.start(Number(direct.port))
  const { port } = way
  const through = new URL(server.url)
  through.port = String(port)
  await using store = await opened(through.href)
  const heard = { before: Promise.withResolvers<void>(), after: Promise.withResolvers<void>() }
  await using _watch = await store.watch('w', (text) => heard[text as keyof typeof heard].resolve())
  await store.write('w', 'before', () => false)
  await heard.before.promise
  await way[Symbol.asyncDispose]()
  await assert.rejects(store.read('w'), ResultStoreUnavailable)
  await client.set('celery-task-meta-w', 'after')
  await using _back = await TcpInterposer.start(Number(direct.port), port)
  await heard.after.promise
})

test('a watch that cannot look at what is there is refused, and listens no more', async () => {
  await using store = await opened()
  const channel = 'celery-task-meta-odd'
  const listeners = async (): Promise<number | undefined> => Number((await client.pubSubNumSub([channel]))[channel])
  await client.rPush(channel, 'no result')
  await assert.rejects(
    store.watch('odd', () => assert.fail('it was told')),
    ResultStoreUnavailable,
  )
  await until('nobody listens', async () => (await listeners()) === 0)
  await client.del(channel)
  await using _watch = await store.watch('odd', () => assert.fail('it was told'))
  assert.equal(await listeners(), 1)
})

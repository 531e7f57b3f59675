import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import { test } from 'node:test'
import { lateReads } from './late-reads.ts'

/** Two ends of one connection. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const near = connect(address.port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown]
  server.close()
  return [near, far]
}

test('what was read is held until its time, and comes whole and in order, with the end after it', async () => {
  const wakers: (() => void)[] = []
  const delays = [0, 7, 0]
  using _late = lateReads({ delayMs: () => delays.shift() ?? 0, later: (wake) => wakers.push(wake) })
  const [near, far] = await pair()
  const got: string[] = []
  near.setEncoding('utf8').on('data', (text: string) => got.push(text))
  far.write('first')
  await once(near, 'data')
  far.write('second')
  while (wakers.length === 0) await new Promise(setImmediate)
  far.end('third')
  while (near.bytesRead < 'firstsecondthird'.length) await new Promise(setImmediate)
  assert.deepEqual(got, ['first'])
  wakers.shift()?.()
  await once(near, 'end')
  assert.equal(got.join(' '), 'first second third')
  const farClosed = once(far, 'close')
  near.destroy()
  await farClosed
})

test('what came before a reset is given before it', async () => {
  const wakers: (() => void)[] = []
  using _late = lateReads({ delayMs: () => 1, later: (wake) => wakers.push(wake) })
  const [near, far] = await pair()
  const told: string[] = []
  near.on('data', (chunk) => told.push(String(chunk))).on('error', ({ message }) => told.push(message))
  far.write('before')
  while (wakers.length === 0) await new Promise(setImmediate)
  const reset = Promise.withResolvers<void>()
  near.destroy = (error) => {
    reset.resolve()
    return Socket.prototype.destroy.call(near, error)
  }
  far.resetAndDestroy()
  await reset.promise
  assert.deepEqual(told, [])
  const closed = new Promise((resolve) => near.once('close', resolve))
  wakers.shift()?.()
  wakers.shift()?.()
  await closed
  assert.deepEqual(told, ['before', 'read ECONNRESET'])
})

test('a socket that was destroyed meanwhile is given nothing', async () => {
  const wakers: (() => void)[] = []
  using _late = lateReads({ delayMs: () => 1, later: (wake) => wakers.push(wake) })
  const [near, far] = await pair()
  near.on('data', () => assert.fail('it was given something'))
  far.write('too late')
  while (wakers.length === 0) await new Promise(setImmediate)
  near.destroy()
  wakers.shift()?.()
  await once(near, 'close')
  far.destroy()
})

test('afterwards everything is as it was', async () => {
  const late = lateReads({ delayMs: () => assert.fail('it was asked'), later: () => {} })
  late[Symbol.dispose]()
  const [near, far] = await pair()
  far.end('at once')
  const [chunk] = (await once(near, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'at once')
  near.destroy()
})

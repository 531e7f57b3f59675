import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
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
  await once(far, 'finish')
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
  far.resetAndDestroy()
  await once(far, 'close')
  assert.deepEqual(told, [])
  const closed = new Promise((resolve) => near.once('close', resolve))
  wakers.shift()?.()
  await closed
  assert.deepEqual(told, ['before', 'read ECONNRESET'])
})

test('what nobody was given is not followed by more', async () => {
  const wakers: (() => void)[] = []
  const [near, far] = await pair()
  {
    using _late = lateReads({ delayMs: () => 1, later: (wake) => wakers.push(wake) })
    near.resume()
    far.write('a')
    while (wakers.length === 0) await new Promise(setImmediate)
  }
  // More than sockets hold.
  far.write(Buffer.alloc(64 * 1024 * 1024))
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
  assert.equal(near.bytesRead, 1)
  assert.equal(far.writableNeedDrain, true)
  wakers.shift()?.()
  await once(far, 'drain')
  near.destroy()
  far.destroy()
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

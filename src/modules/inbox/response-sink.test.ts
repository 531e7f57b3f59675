import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { systemTimers } from '#src/core/timers.ts'
import { ResponseSink } from './response-sink.ts'

/** A response of a real server, and the client's socket. */
async function connected() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  response.writeHead(200)
  const close = async (): Promise<void> => {
    client.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => void server.close(resolve))
  }
  return { response, client, [Symbol.asyncDispose]: close }
}

test('a client that does not read is cut off before much waits for it', async () => {
  await using at = await connected()
  at.client.pause()
  const sink = new ResponseSink(at.response, systemTimers)
  const text = `data: ${'x'.repeat(50_000)}\n\n`
  let sent = 0
  while (sink.isOpen) {
    sink.send(text)
    sent += 1
    assert.ok(at.response.writableLength < 400_000, `${at.response.writableLength} bytes wait after ${sent}`)
    // The kernel takes what it has room for.
    await new Promise(setImmediate)
  }
  assert.ok(sent > 5, `cut off after ${sent}`)
  sink.send(text)
  sink.end()
})

test('one that reads again is told of', async () => {
  await using at = await connected()
  at.client.pause()
  const sink = new ResponseSink(at.response, systemTimers)
  const drained = Promise.withResolvers<void>()
  sink.onDrain = drained.resolve
  while (!sink.isClogged) {
    sink.send(`data: ${'x'.repeat(10_000)}\n\n`)
    await new Promise(setImmediate)
  }
  assert.equal(sink.isOpen, true)
  at.client.resume()
  await drained.promise
  assert.equal(sink.isClogged, false)
})

test('ended, it takes nothing more, and a client that has gone does not keep it', async () => {
  await using at = await connected()
  at.client.pause()
  const due: (() => void)[] = []
  const timers = { now: () => 0, after: (_ms: number, wake: () => void) => (due.push(wake), () => {}) }
  const sink = new ResponseSink(at.response, timers)
  while (!sink.isClogged) {
    sink.send(`data: ${'x'.repeat(10_000)}\n\n`)
    await new Promise(setImmediate)
  }
  sink.end()
  assert.equal(sink.isOpen, false)
  const closed = once(at.response, 'close')
  for (const wake of due) wake()
  await closed
})

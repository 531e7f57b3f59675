import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import { redisConnection } from './connection.ts'

const log = createLogger('silent')

test('what is no address is refused without showing it', () => {
  for (const url of ['secret', 'http://:secret@h', 'redis://:secret%@h', 'redis://:secret@h/number']) {
    assert.throws(
      () => redisConnection({ url, log, name: 'test' }),
      (error) => error instanceof Error && !JSON.stringify({ ...error, text: error.message }).includes('secret'),
    )
  }
})

test('waiting for a Redis that is not there ends with the signal, or with the connection', async () => {
  const connection = redisConnection({ url: 'redis://127.0.0.1:1', log, name: 'test' })
  assert.equal(connection.isReady, false)
  const patience = new AbortController()
  const impatient = assert.rejects(connection.ready(patience.signal), /enough/)
  patience.abort(new Error('enough'))
  await impatient
  const patient = assert.rejects(connection.ready(), /closed/)
  await connection[Symbol.asyncDispose]()
  await connection[Symbol.asyncDispose]()
  await patient
  await assert.rejects(connection.ready(), /closed/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { headersAsReceived, int32 } from '#src/ports/message-headers.ts'
import { decodeTaskMessage, type Readable, TaskMessageUnreadable, type UnreadableReason } from './decode.ts'
import { encodeTaskMessage, jsonBody, newEnvelope, type NewTask } from './message.ts'

const json = { contentType: 'application/json', contentEncoding: 'utf-8' }

function message(
  body: string | Buffer,
  headers: Readable['headers'] = { task: 't', id: 'i' },
  properties: Readable['properties'] = json,
): Readable {
  return { properties, headers, body: Buffer.from(body) }
}

function assertUnreadable(readable: Readable, reason: UnreadableReason): void {
  assert.throws(
    () => decodeTaskMessage(readable),
    (error) => error instanceof TaskMessageUnreadable && error.reason === reason,
    `${reason}: ${readable.body.toString().slice(0, 40)}`,
  )
}

test('the least that Python workers accept is enough', () => {
  const { envelope, args, kwargs, embed } = decodeTaskMessage(message('[[1], {"a": 2}, null]'))
  assert.deepEqual([args, kwargs], [[1], { a: 2 }])
  assert.deepEqual(embed, { callbacks: null, errbacks: null, chain: null, chord: null })
  assert.deepEqual([envelope.rootId, envelope.correlationId, envelope.eta, envelope.retries], ['i', 'i', null, 0])
})

test('a body of protocol 1 under headers of protocol 2', () => {
  const body = '{"args": [1], "kwargs": {}, "retries": 2, "taskset": "g"}'
  const { envelope, args } = decodeTaskMessage(message(body, { task: 't', id: 'i', origin: 'o' }))
  assert.deepEqual(
    [envelope.task, envelope.id, envelope.retries, envelope.group, envelope.origin],
    ['t', 'i', 2, 'g', 'o'],
  )
  assert.deepEqual(args, [1])
})

test('each way to be no readable task has its reason', () => {
  assertUnreadable(message('{}', {}), 'not_a_task')
  assertUnreadable(message('[[], {}, {}]', { id: 'i' }), 'not_a_task')
  assertUnreadable(message('[[], {}, {}]', { task: 't', id: 'i' }, {}), 'unsupported')
  assertUnreadable(
    message('[[], {}, {}]', { task: 't', id: 'i' }, { ...json, contentEncoding: 'utf-16' }),
    'unsupported',
  )
  assertUnreadable(message('[[], {}, {}]', { task: 't', id: 'i', compression: 'application/zstd' }), 'unsupported')
  assertUnreadable(message('[[], {}', undefined), 'undecodable')
  assertUnreadable(message(Buffer.from([0x22, 0xff, 0x22])), 'undecodable')
  assertUnreadable(message('not zlib', { task: 't', id: 'i', compression: 'application/x-gzip' }), 'undecodable')
  assertUnreadable(message('[[], {}]'), 'malformed')
  assertUnreadable(message('{"kwargs": {}}'), 'malformed')
  assertUnreadable(message('[{}, {}, {}]'), 'malformed')
  assertUnreadable(message('[[], [], {}]'), 'malformed')
  assertUnreadable(message('[[], {}, {}]', { task: 't' }), 'malformed')
  assertUnreadable(message('[[], {}, {}]', { task: 't', id: 'i', eta: 1795333034 }), 'malformed')
  assertUnreadable(message('[[], {}, {}]', { task: 't', id: 'i', expires: 'tomorrow' }), 'malformed')
})

test('a huge body is refused, even one that comes small and inflates', () => {
  const bomb = deflateSync(`[[], {}, {}${' '.repeat(64 * 1024 * 1024)}]`)
  assert.ok(bomb.length < 100_000)
  assertUnreadable(message(bomb, { task: 't', id: 'i', compression: 'application/x-gzip' }), 'too_large')
  assertUnreadable(message(' '.repeat(20 * 1024 * 1024)), 'too_large')
})

test('the history of a dead-lettered message is not the caller’s headers', () => {
  const death = { queue: 'q', reason: 'rejected', count: 1 }
  const headers = {
    task: 't',
    id: 'i',
    mine: 600,
    'x-death': [death],
    'x-first-death-queue': 'q',
    'x-last-death-reason': 'expired',
  }
  assert.deepEqual(decodeTaskMessage(message('[[], {}, {}]', headers)).envelope.customHeaders, { mine: int32(600) })
})

test('bytes of any kind are read or refused, never worse', () => {
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
  )
  const headers = fc.dictionary(
    fc.constantFrom('task', 'id', 'eta', 'retries', 'timelimit', 'stamps', 'compression'),
    fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
  )
  fc.assert(
    fc.property(body, headers, (bytes, given) => {
      try {
        decodeTaskMessage(message(bytes, given))
      } catch (error) {
        assert.ok(error instanceof TaskMessageUnreadable)
      }
    }),
  )
})

test('what is encoded is decoded to the same', () => {
  const name = fc.string({ minLength: 1, maxLength: 50 })
  const moment = fc.option(fc.integer({ min: 0, max: Date.UTC(2200, 0) }))
  const task = fc.record(
    {
      task: name,
      id: name,
      origin: name,
      args: fc.array(fc.oneof(fc.integer(), fc.string(), fc.constant(null))),
      kwargs: fc.dictionary(name, fc.oneof(fc.boolean(), fc.string(), fc.array(fc.integer())), {
        noNullPrototype: true,
      }),
      eta: moment,
      expires: moment,
      retries: fc.nat(),
      groupIndex: fc.option(fc.nat(70_000)),
      hardLimitSeconds: fc.option(fc.integer({ min: 1, max: 100_000 })),
      softLimitSeconds: fc.option(fc.constantFrom(0.5, 540)),
      priority: fc.option(fc.nat(255)),
      ignoreResult: fc.boolean(),
      persistent: fc.boolean(),
      stampedHeaders: fc.option(fc.array(name)),
    },
    { requiredKeys: ['task', 'id', 'origin'] },
  ) as fc.Arbitrary<NewTask>
  fc.assert(
    fc.property(task, (given) => {
      const { args = [], kwargs = {} } = given
      const envelope = newEnvelope(given)
      const sent = encodeTaskMessage({ exchange: '', routingKey: 'q' }, envelope, jsonBody(args, kwargs), 0)
      const read = decodeTaskMessage({ ...sent, headers: headersAsReceived(sent.headers) })
      assert.deepEqual(read.envelope, envelope)
      assert.deepEqual([read.args, read.kwargs], [args, kwargs])
    }),
  )
})

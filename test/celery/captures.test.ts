import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { decodeTaskMessage, TaskMessageUnreadable } from '#src/celery/decode.ts'
import { encodeTaskMessage, jsonBody } from '#src/celery/message.ts'
import { argsRepr, pythonRepr } from '#src/celery/python-repr.ts'
import { readPythonJson } from '#src/celery/python-json.ts'
import { parsePythonTime } from '#src/celery/python-time.ts'
import { HeaderNumber, headersAsReceived, type HeaderValue } from '#src/ports/message-headers.ts'
import { type Capture, captures } from './captures.ts'

const all = ['01-task-messages', '06-serializers-compression', '07-canvas'].flatMap(captures)
const unsupported = new Set(['bzip2', 'pickle', 'yaml', 'msgpack'])
const readable = all.filter((capture) => !unsupported.has(capture.label))
const protocol2 = readable.filter((capture) => capture.label !== 'proto1')
/** 5.2 does not know these; we send them always, as 5.6 does, and 5.2 ignores them. */
const SINCE_5_3 = ['replaced_task_nesting', 'stamped_headers', 'stamps']

function named(label: string, celery = '5.6.3'): Capture {
  const found = all.find((capture) => capture.label === label && capture.celery === celery)
  assert.ok(found, label)
  return found
}

suite('captured messages are read', () => {
  for (const capture of protocol2) {
    test(capture.name, () => {
      const { headers, properties, body } = capture.message
      const read = decodeTaskMessage(capture.message)
      assert.equal(read.protocol, 2)
      assert.equal(read.envelope.task, headers['task'])
      assert.equal(read.envelope.id, headers['id'])
      assert.equal(read.envelope.retries, headers['retries'])
      assert.equal(read.envelope.priority, properties.priority ?? null)
      assert.deepEqual(read.bodyForRetry(), {
        bytes: body,
        contentType: properties.contentType,
        contentEncoding: properties.contentEncoding,
      })
    })
  }

  test('there are as many as were recorded', () => assert.deepEqual([all.length, readable.length], [53, 49]))
})

suite('captured messages are written again the same', () => {
  for (const capture of protocol2) {
    test(capture.name, () => {
      const { headers, properties, body } = capture.message
      const { envelope, bodyForRetry } = decodeTaskMessage(capture.message)
      const sentAt = (envelope.expires ?? 0) - Number(properties.expiration ?? 0)
      const destination = { exchange: '', routingKey: capture.routingKey }
      const written = encodeTaskMessage(destination, envelope, bodyForRetry(), sentAt)
      const known = new Set([...Object.keys(headers), ...SINCE_5_3])
      assert.deepEqual(
        new Set(Object.keys(written.headers)),
        capture.celery === '5.2.6' ? known : new Set(Object.keys(headers)),
      )
      assert.deepEqual(withMoments(headersAsReceived(written.headers)), withMoments({ ...defaultsSince53, ...headers }))
      assert.deepEqual(written.properties, properties)
      assert.deepEqual(written.body, body)
      assertTypedIntegers(written.headers)
    })
  }
})

const defaultsSince53 = { replaced_task_nesting: 0, stamped_headers: null, stamps: {} }

/** A moment has several texts; it is the moment that must be the same. To the microsecond is what a double holds. */
function withMoments(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const moment = (value: unknown): unknown =>
    typeof value === 'string' ? Math.round((parsePythonTime(value) ?? 0) * 100) : value
  return { ...headers, eta: moment(headers['eta']), expires: moment(headers['expires']) }
}

function assertTypedIntegers(headers: Readonly<Record<string, HeaderValue | undefined>>): void {
  for (const name of ['retries', 'group_index', 'replaced_task_nesting']) {
    const value = headers[name]
    if (value !== null) assert.ok(value instanceof HeaderNumber && value.type === 'int32', name)
  }
}

test('arguments of Python’s own types arrive as text in either version', () => {
  for (const celery of ['5.6.3', '5.2.6']) {
    const { args, kwargs } = decodeTaskMessage(named('types', celery).message)
    assert.equal(parsePythonTime(String(args[0])), Date.UTC(2024, 0, 2, 3, 4, 5) + 678.901)
    assert.equal(args[1], '2024-01-02T03:04:05')
    assert.equal(kwargs['u'], '00000000-0000-0000-0000-000000000005')
    assert.equal(kwargs['dec'], '1.50')
    assert.equal(kwargs['big'], 2n ** 70n)
    assert.equal(kwargs['uni'], 'é☃😀')
    assert.equal(kwargs['nan'], Number.NaN)
  }
})

test('bytes, and a body compressed as zlib', () => {
  assert.deepEqual(decodeTaskMessage(named('bytes').message).args, [Buffer.from([0x61, 0x62, 0xff])])
  assert.deepEqual(decodeTaskMessage(named('gzip').message).args, [1, 2])
})

test('protocol 1 becomes protocol 2', () => {
  for (const celery of ['5.6.3', '5.2.6']) {
    const read = decodeTaskMessage(named('proto1', celery).message)
    assert.equal(read.protocol, 1)
    assert.deepEqual([read.args, read.kwargs], [[1, 2], { a: 1 }])
    assert.equal(read.envelope.task, 'capp.add')
    assert.equal(read.envelope.kwargsrepr, "{'a': 1}")
    assert.deepEqual(read.envelope.customHeaders, { 'x-label': 'proto1' })
    assert.ok((read.envelope.expires ?? 0) > (read.envelope.eta ?? 0))
    const body = JSON.parse(read.bodyForRetry().bytes.toString()) as unknown
    assert.deepEqual(body, [[1, 2], { a: 1 }, { callbacks: null, errbacks: null, chain: null, chord: null }])
  }
})

test('pickle, and what else we do not read, is refused by name', () => {
  for (const label of unsupported) {
    assert.throws(
      () => decodeTaskMessage(named(label).message),
      (error) => error instanceof TaskMessageUnreadable && error.reason === 'unsupported',
    )
  }
})

test('our text for arguments is Python’s', () => {
  // A tuple inside an argument shows as a list: JSON knows no tuple.
  const comparable = protocol2.filter(
    ({ label, message }) =>
      label !== 'types' && label !== 'bytes' && !/'args': \(\)/.test(JSON.stringify(message.headers['kwargsrepr'])),
  )
  assert.ok(comparable.length > 30)
  for (const { name, message } of comparable) {
    const { args, kwargs } = decodeTaskMessage(message)
    assert.equal(argsRepr(args), message.headers['argsrepr'], name)
    assert.equal(pythonRepr(kwargs), message.headers['kwargsrepr'], name)
  }
})

test('our body reads as Celery’s own does', () => {
  for (const { name, message } of protocol2.filter(({ label }) => !['types', 'bytes', 'gzip'].includes(label))) {
    const { args, kwargs, embed } = decodeTaskMessage(message)
    assert.deepEqual(
      readPythonJson(jsonBody(args, kwargs, embed).bytes.toString()),
      readPythonJson(message.body.toString()),
      name,
    )
  }
})

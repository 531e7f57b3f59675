import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  JsonUnreadable,
  JsonUnwritable,
  readPythonJson,
  rewritePythonJson,
  unwrapPythonTypes,
  writePythonJson,
} from './python-json.ts'

test('reads what Python writes and JSON forbids', () => {
  assert.deepEqual(readPythonJson('[NaN, Infinity, -Infinity, -0.0, 1e5]'), [Number.NaN, Infinity, -Infinity, -0, 1e5])
  assert.deepEqual(readPythonJson('{"a": 9007199254740993, "b": -9007199254740993, "c": 9007199254740991}'), {
    a: 9007199254740993n,
    b: -9007199254740993n,
    c: 9007199254740991,
  })
  assert.deepEqual(readPythonJson(String.raw`["\ud83d\ude00", "a\"NaN\"", "Infinity", "1234567890123456789"]`), [
    '😀',
    'a"NaN"',
    'Infinity',
    '1234567890123456789',
  ])
  assert.equal(readPythonJson('1234567890123456789.5'), 1234567890123456800)
})

test('refuses what is not JSON, however it tries', () => {
  for (const text of [
    '',
    '{',
    "{'a': 1}",
    '[NaNNaN]',
    '[1 Infinity]',
    'nul',
    `[${'9'.repeat(5000)}]`,
    '"NaN',
    '[01]',
  ]) {
    assert.throws(() => readPythonJson(text), JsonUnreadable, text.slice(0, 20))
  }
  const deep = `${'['.repeat(100_000)}NaN${']'.repeat(100_000)}`
  assert.throws(() => readPythonJson(deep), JsonUnreadable)
})

test('what is written is read back', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.integer(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('NaN', '"Infinity"', '\\', '-Infinity\\"', '12345678901234567890'),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value
  fc.assert(
    fc.property(value, (sent) => assert.deepEqual(integers(readPythonJson(writePythonJson(sent))), integers(sent))),
  )
})

/** A double beyond 2^53 is written as digits, and comes back as the integer that it is. */
function integers(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return BigInt(String(BigInt(value)))
  if (typeof value === 'bigint') return BigInt(Number(value))
  if (Array.isArray(value)) return value.map(integers)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, integers(item)]))
}

test('refuses to write what would arrive as something else', () => {
  const wrapper = { __type__: 'mine', __value__: 1 }
  for (const value of [
    Number.NaN,
    [Infinity],
    { at: new Date() },
    [undefined],
    undefined,
    { f: () => 1 },
    { a: [wrapper] },
  ]) {
    assert.throws(() => writePythonJson(value), JsonUnwritable)
  }
  assert.equal(writePythonJson({ a: undefined, b: 1 }), '{"b":1}')
  assert.equal(writePythonJson({ ...wrapper, more: 1 }), '{"__type__":"mine","__value__":1,"more":1}')
  assert.equal(rewritePythonJson([wrapper, 2n ** 64n]), '[{"__type__":"mine","__value__":1},18446744073709551616]')
})

test('bytes travel as base64 and come back as bytes', () => {
  const bytes = Buffer.from([0, 255, 128])
  assert.equal(writePythonJson({ bytes }), '{"bytes":{"__type__":"base64","__value__":"AP+A"}}')
  assert.deepEqual(unwrapPythonTypes(readPythonJson(writePythonJson([{ bytes }]))), [{ bytes }])
})

test('a wrapper of an unknown type, or that is none, is left as it is', () => {
  const values = [{ __type__: 'money', __value__: '1' }, { __type__: 'date', __value__: 5 }, { __type__: 'date' }]
  assert.deepEqual(unwrapPythonTypes(values), values)
})

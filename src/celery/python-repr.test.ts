import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { argsRepr, pythonRepr } from './python-repr.ts'

test('values as Python shows them', () => {
  for (const [value, shown] of [
    [null, 'None'],
    [undefined, 'None'],
    [true, 'True'],
    [false, 'False'],
    [1, '1'],
    [1.5, '1.5'],
    [1e-7, '1e-07'],
    [1e300, '1e+300'],
    [Number.NaN, 'nan'],
    [-Infinity, '-inf'],
    [2n ** 70n, '1180591620717411303424'],
    ['two', "'two'"],
    ["it's", `"it's"`],
    [`it's "so"`, String.raw`'it\'s "so"'`],
    ['é☃😀', "'é☃😀'"],
    ['a\n\t\\\u0000\u200b', String.raw`'a\n\t\\\x00\u200b'`],
    ['\u00a0\u3000\ue000 ', String.raw`'\xa0\u3000\ue000 '`],
    [Buffer.from('ab\xff\n', 'latin1'), String.raw`b'ab\xff\n'`],
    [[1, [2]], '[1, [2]]'],
    [{ k: null, n: { m: [] } }, "{'k': None, 'n': {'m': []}}"],
  ] as const) {
    assert.equal(pythonRepr(value), shown)
  }
})

test('positional arguments are a tuple', () => {
  assert.deepEqual([argsRepr([]), argsRepr([1]), argsRepr([1, 'x'])], ['()', '(1,)', "(1, 'x')"])
})

test('is never longer than Celery allows, whatever the value', () => {
  const loop: unknown[] = []
  loop.push(loop)
  for (const value of ['x'.repeat(1e6), Array.from({ length: 1e5 }, () => 1), loop, Buffer.alloc(1e6)]) {
    assert.equal(pythonRepr(value).length, 1024)
    assert.ok(pythonRepr(value).endsWith('...'))
  }
  fc.assert(fc.property(fc.anything(), (value) => assert.ok(argsRepr([value]).length <= 1024)))
})

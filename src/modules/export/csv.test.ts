import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { field } from './csv.ts'

suite('a field of a CSV file', () => {
  test('is read back as it was by a foreign parser, but for what a spreadsheet would run', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (one, other) => {
        const [row] = parse(`${field(one)},${field(other)}\r\n`, { relax_quotes: false }) as string[][]
        const unmarked = row?.map((text) => text.replace(/^'(?=[=+\-@＝＋－＠\t\r\n])/, ''))
        assert.deepEqual(unmarked, [one, other])
      }),
    )
  })

  test('never begins like a formula', () => {
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\n=1', '＝1+1', '=HYPERLINK("x","y")']) {
      assert.match(field(text), /^"?'/, text)
    }
  })
})

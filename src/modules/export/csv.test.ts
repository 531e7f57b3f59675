import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { field } from './csv.ts'

/** Without the apostrophes before what would be run. */
const unmarked = (text: string): string => text.replaceAll(/(?<=^|[;,|\t\r\n])'(?=[ "]*[=+\-@＝＋－＠]|[\t\r\n])/g, '')

/** Text of the characters that matter here, more often than chance would have them. */
const tricky = fc.string({ unit: fc.constantFrom(...'=+-@＝＋－＠;,|"\t\r\n \'a1') })

suite('a field of a CSV file', () => {
  test('is read back as it was by a foreign parser, but for what a spreadsheet would run', () => {
    const text = fc.oneof(fc.string(), tricky)
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [row] = parse(`1,${field(one)},${field(other)}\r\n`, { relax_quotes: false }) as string[][]
        assert.deepEqual(row?.map(unmarked), ['1', one, other].map(unmarked))
      }),
    )
  })

  test('never begins like a formula, whatever a spreadsheet takes for the end of a cell', () => {
    const told = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\n=1', '＝1+1', '=HYPERLINK("x","y")', '1;=1+1', '1; "=1+1']
    for (const text of told) assert.match(field(text), /(^|;)"?'/, text)
    fc.assert(
      fc.property(tricky, (text) => {
        const [row] = parse(`1,${field(text)}\r\n`) as string[][]
        for (const read of [row?.[1] ?? '', field(text)]) {
          for (const cell of read.split(/[;,|\t\r\n]/)) assert.doesNotMatch(cell, /^[ "]*[=+\-@＝＋－＠]/)
        }
      }),
    )
  })

  test('stays as it is where nothing would be run', () => {
    for (const text of ['', '14123456789', '26-03;12', "d'eau", 'a=b', '1 + 1']) assert.equal(field(text), text)
  })
})

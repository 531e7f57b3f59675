import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, toMarkdown, toText } from './table.ts'

const table = {
  title: 'Speed',
  columns: ['what', 'req/s'],
  rows: [
    ['ours', '9'],
    ['a|b', '12,345'],
  ],
}

test('a terminal gets aligned columns', () => {
  assert.equal(toText(table), 'Speed\n\nwhat   req/s\n────  ──────\nours       9\na|b   12,345\n')
})

test('a file gets Markdown, in which a bar does not end the cell', () => {
  assert.equal(toMarkdown(table), '### Speed\n\n| what | req/s |\n| --- | ---: |\n| ours | 9 |\n| a\\|b | 12,345 |\n')
})

test('figures keep three digits', () => {
  assert.deepEqual([12_345.6, 999.6, 99.94, 9.994, 0.5].map(figure), ['12,346', '1000', '99.9', '9.99', '0.50'])
})

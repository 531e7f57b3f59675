import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { SqlError } from '../sql-error.ts'
import { tokenize } from './lexer.ts'
import { parseBatch } from './parse-batch.ts'
import { parseParameterDeclarations } from './parameter-declarations.ts'

suite('lexer', () => {
  test('names, strings, comments and numbers', () => {
    const tokens = tokenize('SELECT [a]]b], "c""d", N\'é\'\'\', 1.5e-3, @@X -- x\n/* /* */ */ <> énergie')
    assert.deepEqual(
      tokens.filter(({ text }) => text !== ',').map(({ kind, text }) => [kind, text]),
      [
        ['word', 'SELECT'],
        ['name', 'a]b'],
        ['name', 'c"d'],
        ['string', "é'"],
        ['number', '1.5e-3'],
        ['variable', '@@X'],
        ['symbol', '<>'],
        ['word', 'énergie'],
        ['end', 'énergie'],
      ],
    )
    assert.equal(tokens.at(-1)?.line, 2)
  })
})

suite('parser', () => {
  test('statements need no semicolon between them', () => {
    const statements = parseBatch('SET NOCOUNT ON SELECT 1 SELECT 2; USE x BEGIN TRAN COMMIT')
    assert.deepEqual(
      statements.map(({ statement }) => statement),
      ['setOption', 'query', 'query', 'use', 'transaction', 'transaction'],
    )
  })

  test('settings that clients send after their login', () => {
    const sent = [
      'set ansi_nulls on',
      'set ansi_null_dflt_on on',
      'set textsize 2147483647',
      'set dateformat mdy',
      'set datefirst 7',
      'set language us_english',
      'set transaction isolation level read committed',
      'set transaction isolation level repeatable read',
      'set lock_timeout -1',
      'SET ANSI_NULLS, QUOTED_IDENTIFIER ON',
    ]
    assert.equal(parseBatch(sent.join('\n')).length, sent.length)
  })

  test('an empty batch has no statements', () => {
    assert.deepEqual(parseBatch(' ;; -- nothing'), [])
  })

  test('deep nesting is an error, not the end of the process', () => {
    assert.throws(() => parseBatch(`SELECT ${'('.repeat(100_000)}1`), SqlError)
    assert.throws(() => parseBatch(`SELECT ${'(SELECT '.repeat(50_000)}1`), SqlError)
  })

  test('declarations of parameters', () => {
    assert.deepEqual(parseParameterDeclarations('@a nvarchar(50), @b decimal(18, 3) OUTPUT'), [
      { name: '@a', type: { kind: 'text', unicode: true, fixed: false, length: 50 }, isOutput: false },
      { name: '@b', type: { kind: 'decimal', precision: 18, scale: 3 }, isOutput: true },
    ])
    assert.deepEqual(parseParameterDeclarations(''), [])
    assert.throws(() => parseParameterDeclarations('a int'), { number: 102 })
  })

  test('whatever the words, a batch is understood or an SqlError', () => {
    const word = fc.constantFrom(
      ..."SELECT FROM WHERE a b [c d] ( ) , . * = < + - 1 2.5 'x' @p AND OR NOT IN LIKE IS NULL AS TOP ORDER BY CASE WHEN THEN END CAST int JOIN ON SET DECLARE INSERT INTO VALUES WITH UNION ;".split(
        ' ',
      ),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25 }), (words) => {
        try {
          parseBatch(words.join(' '))
        } catch (error) {
          assert.ok(error instanceof SqlError, String(error))
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('whatever the characters, a batch is understood or an SqlError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        try {
          parseBatch(text)
        } catch (error) {
          assert.ok(error instanceof SqlError, String(error))
        }
      }),
      { numRuns: 1000 },
    )
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type SqlType, typeFromName } from '../sql-type.ts'
import { arithmetic } from './arithmetic.ts'
import type { ArithmeticOperator } from './syntax.ts'

const PLACE = { near: '', line: 1 }
const decimal = (precision: number, scale: number): SqlType => ({ kind: 'decimal', precision, scale })
const named = (name: string): SqlType => typeFromName(name, [], 1) ?? { kind: 'null' }

const resultOf = (operator: ArithmeticOperator, left: SqlType, right: SqlType): SqlType =>
  arithmetic(operator, { sql: 'l', type: left }, { sql: 'r', type: right }, PLACE).type

suite('result types, as SQL Server documents them', () => {
  const cases: [ArithmeticOperator, SqlType, SqlType, SqlType][] = [
    ['+', decimal(5, 2), decimal(8, 4), decimal(9, 4)],
    ['-', decimal(38, 2), decimal(38, 10), decimal(38, 2)],
    ['*', decimal(5, 2), decimal(8, 4), decimal(14, 6)],
    ['*', decimal(38, 10), decimal(38, 10), decimal(38, 6)],
    ['/', decimal(5, 2), decimal(8, 4), decimal(18, 11)],
    ['%', decimal(5, 2), decimal(8, 4), decimal(7, 4)],
    ['+', decimal(5, 2), named('int'), decimal(13, 2)],
    ['+', named('int'), named('bigint'), named('bigint')],
    ['/', named('int'), named('int'), named('int')],
    ['+', named('int'), named('float'), named('float')],
    ['+', named('money'), named('int'), named('money')],
  ]
  for (const [operator, left, right, expected] of cases) {
    test(`${JSON.stringify(left)} ${operator} ${JSON.stringify(right)}`, () => {
      assert.deepEqual(resultOf(operator, left, right), expected)
    })
  }

  test('types that cannot be added are error 402', () => {
    assert.throws(() => resultOf('+', named('date'), named('int')), { number: 402 })
    assert.throws(() => resultOf('*', named('uniqueidentifier'), named('int')), { number: 402 })
  })
})

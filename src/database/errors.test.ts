import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseProblem } from './errors.ts'

function failing(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}

const cases: readonly [error: unknown, code: string | undefined][] = [
  [failing('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'), 'database/unavailable'],
  [failing('terminating connection due to administrator command', '57P01'), 'database/unavailable'],
  [failing('sorry, too many clients already', '53300'), 'database/unavailable'],
  [failing('could not extend file: No space left on device', '53100'), 'database/full'],
  [failing('Connection terminated unexpectedly'), 'database/unavailable'],
  [failing('timeout exceeded when trying to connect'), 'database/unavailable'],
  [failing('duplicate key value violates unique constraint', '23505'), undefined],
  [failing('syntax error at or near "selec"', '42601'), undefined],
  [new TypeError('x is not a function'), undefined],
  ['thrown text', undefined],
]

for (const [error, code] of cases) {
  test(`${String(error)} is ${code ?? "nobody's trouble but ours"}`, () => {
    assert.equal(databaseProblem(error)?.code, code)
  })
}

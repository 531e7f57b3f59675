import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import { SqlServerClient, type SqlServerParameter } from '#src/adapters/meter-source/sqlserver/client.ts'
import { spellingsOf } from '#src/adapters/meter-source/sqlserver/customer-source.ts'
import { statements } from '#src/adapters/meter-source/sqlserver/statements.ts'
import { demoIdentities } from '#src/simulators/sic/data/demo-identities.ts'
import { fillDemoSources } from '#src/simulators/sic/data/demo-sources.ts'
import { findSourceTable } from '#src/simulators/sic/data/tables.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { venv } from './venv.ts'

interface Question {
  readonly database: 'SIC' | 'HISTH2MC' | 'BI_ODS'
  readonly parameters: Readonly<Record<string, SqlServerParameter>>
}

const { customer1, customer1Prepaid, customer1Postpaid } = demoIdentities
const always = { since: new Date('2000-01-01T00:00:00Z'), before: new Date('2100-01-01T00:00:00Z') }

/** Every statement, with parameters for which the demo world has rows. */
const questions: Readonly<Record<keyof typeof statements, Question>> = {
  salesOfMeter: {
    database: 'SIC',
    parameters: { number: customer1Prepaid.number, police: customer1Prepaid.police, ...always },
  },
  billsOfAccount: { database: 'HISTH2MC', parameters: { account: customer1Postpaid.contractAccount, ...always } },
  suppliesOfMeter: { database: 'SIC', parameters: { number: customer1Prepaid.number } },
  suppliesOfAccount: { database: 'SIC', parameters: { account: customer1Postpaid.contractAccount } },
  accountsOfPhone: { database: 'BI_ODS', parameters: { ...spellingsOf(customer1.phone) } },
}
const names = Object.keys(questions) as (keyof typeof statements)[]

/** One that is cut off, and one that lacks a word. */
const broken = [
  statements.salesOfMeter.slice(0, statements.salesOfMeter.indexOf('@police')),
  statements.salesOfMeter.replace('FROM', ''),
]

interface Parsed {
  readonly error?: string
  readonly kind: string
  readonly tables: readonly string[]
  readonly parameters: readonly string[]
}

interface Told {
  readonly error?: string
  readonly rows?: readonly Readonly<Record<string, unknown>>[]
}

const { python } = await venv('tsql')

async function inPython<Answer>(request: unknown): Promise<readonly Answer[]> {
  const script = join(import.meta.dirname, 'python/tsql.py')
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, TZ: 'UTC' } })
  child.stdin.end(JSON.stringify(request))
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(output) as readonly Answer[]
}

suite('the statements in a grammar of T-SQL', () => {
  let told: readonly Parsed[]
  before(async () => {
    told = await inPython<Parsed>({ statements: [...names.map((name) => statements[name]), ...broken] })
  })

  for (const [place, name] of names.entries()) {
    test(`${name} reads its tables by its parameters, and writes nothing`, () => {
      const { database, parameters } = questions[name]
      const parsed = told[place]
      assert.equal(parsed?.error, undefined)
      assert.equal(parsed?.kind, 'select')
      assert.deepEqual(parsed?.parameters, Object.keys(parameters).toSorted())
      assert.ok((parsed?.tables.length ?? 0) > 0)
      for (const table of parsed?.tables ?? []) assert.equal(findSourceTable(table)?.database, database, table)
    })
  }

  test('a broken statement is refused', () => {
    const refused = told.slice(names.length)
    assert.equal(refused.length, broken.length)
    for (const { error } of refused) assert.ok(error !== undefined)
  })
})

suite('the statements from a client of another hand', () => {
  let sic: SicUnderTest
  before(async () => {
    sic = await sicUnderTest()
    await fillDemoSources(sic.source.db, { seed: 'demo', until: new Date('2026-11-22T12:00:00Z'), months: 36 })
  })
  after(() => sic[Symbol.asyncDispose]())

  /** python-tds, with the product's parameters as the product binds them. */
  async function theirs(asked: readonly (Question & { readonly statement: string })[]): Promise<readonly Told[]> {
    const { port, user, password } = sic.options('SIC')
    return inPython<Told>({
      server: { port, user, password },
      questions: asked.map(({ statement, database, parameters }) => ({
        statement,
        database,
        parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, plain(value)])),
      })),
    })
  }

  for (const name of names) {
    test(`${name} gives the same rows`, async () => {
      const question = { ...questions[name], statement: statements[name] }
      await using client = new SqlServerClient(sic.options(question.database))
      const [told] = await theirs([question])
      assert.equal(told?.error, undefined)
      assert.ok((told?.rows?.length ?? 0) > 0)
      assert.deepEqual(told?.rows, await client.query(question.statement, question.parameters))
    })
  }

  test('a broken statement is refused', async () => {
    const asked = broken.map((statement) => ({ ...questions.salesOfMeter, statement }))
    const refused = await theirs(asked)
    assert.equal(refused.length, broken.length)
    for (const { error } of refused) assert.match(error ?? 'no error', /Incorrect syntax/)
  })
})

function plain(value: SqlServerParameter): string | { readonly moment: string } {
  return typeof value === 'string' ? value : { moment: value.toISOString().replace('Z', '') }
}

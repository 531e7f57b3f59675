import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { sqlServerPostpaidSource } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { sqlServerPrepaidSource } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { createCustomer } from '#src/modules/accounts/create-account.ts'
import { sumMonths } from '#src/modules/consumption/month-sums.ts'
import { openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { customerAt } from '#src/roles/generate/customer.ts'
import { type FillOrder, fillCustomers } from '#src/roles/generate/fill.ts'
import { lookAtDatabase } from '#src/roles/generate/present.ts'
import { withClient } from '#src/roles/generate/with-client.ts'
import { testApi } from '#test/support/api.ts'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'
import { aPhone, TEST_PIN } from '#test/support/factories.ts'
import { startProgram } from '#test/support/processes.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'

const CUSTOMERS = 300
const ORDER: FillOrder = {
  customers: CUSTOMERS,
  months: 36,
  seed: 'test',
  until: new Date('2026-03-15T10:00:00Z'),
  pinHash: 'nobody logs in',
}
const TABLES = [
  'agency',
  'account',
  'device',
  'meter',
  'meter_link',
  'consumption_entry',
  'consumption_month',
  'meter_reading_state',
]

/** A digest of every table's rows. The time at which an agency was made is that of the run. */
async function digests(url: string): Promise<Record<string, string>> {
  return withClient(url, async (client) => {
    const found: Record<string, string> = {}
    for (const table of TABLES) {
      const row = table === 'agency' ? `(to_jsonb(t) - 'created_at')::text` : 't::text'
      const { rows } = await client.query(`select md5(string_agg(${row}, '' order by ${row})) as md5 from ${table} t`)
      found[table] = rows[0].md5
    }
    return found
  })
}

suite('a database filled with made-up customers', () => {
  let filled: TestDatabase
  let client: pg.Client

  before(async () => {
    filled = await testDatabase()
    await fillCustomers(filled.url, ORDER, 0, () => {})
    client = new pg.Client({ connectionString: filled.url })
    await client.connect()
  })
  after(async () => {
    await client.end()
    await filled.close()
  })

  test('has about forty rows a customer, beside the sums of months', async () => {
    const { rows } = await client.query(
      TABLES.map((table) => `select '${table}' as table, count(*)::int from ${table}`).join(' union all '),
    )
    const counts = new Map(rows.map((row) => [row.table, row.count]))
    for (const table of ['account', 'device', 'meter', 'meter_link', 'meter_reading_state']) {
      assert.equal(counts.get(table), CUSTOMERS, table)
    }
    const perCustomer = counts.get('consumption_entry') / CUSTOMERS
    assert.ok(perCustomer > 30 && perCustomer < 40, String(perCustomer))
  })

  test('is the same for the same seed, at once or in two runs, and another for another', async () => {
    await using again = disposed(await testDatabase())
    const reached: number[] = []
    await fillCustomers(again.url, { ...ORDER, customers: 100 }, 0, (place) => reached.push(place))
    const { customers, pinHash } = await withClient(again.url, (there) => lookAtDatabase(there, ORDER.seed, undefined))
    assert.deepEqual([customers, pinHash], [100, ORDER.pinHash])
    await fillCustomers(again.url, ORDER, customers, (place) => reached.push(place))
    assert.deepEqual(reached, [100, CUSTOMERS])
    assert.deepEqual(await digests(again.url), await digests(filled.url))

    await using other = disposed(await testDatabase())
    await fillCustomers(other.url, { ...ORDER, seed: 'another' }, 0, () => {})
    const [one, two] = [await digests(filled.url), await digests(other.url)]
    for (const table of TABLES) assert.notEqual(one[table], two[table], table)
  })

  test("has sales and bills as the utility's own databases deliver them: reading them again changes nothing", async () => {
    await using sic = await sicUnderTest()
    const ids = Array.from({ length: 40 }, (_, place) => customerAt(ORDER.seed, place).meterId)
    const { rows } = await client.query(
      'select kind, delivered from consumption_entry join meter on id = meter_id where id = any($1)',
      [ids],
    )
    const those = (kind: string) => rows.filter((row) => row.kind === kind).map((row) => row.delivered)
    await sic.insert('HEXING_SENELECBILL_ALHDL2', those('prepaid'))
    await sic.insert('Historique', those('postpaid'))
    // All are asked at once, and each is to be answered however busy the machine is.
    const patient = { connectTimeoutMs: 30_000, queryTimeoutMs: 30_000 }
    await using prepaid = sqlServerPrepaidSource(sic.options('SIC', patient))
    await using postpaid = sqlServerPostpaidSource(sic.options('HISTH2MC', patient))
    const log = createLogger('error', process.stderr)
    const { db, close } = openDatabase({ url: filled.url, log })
    const clock = () => ORDER.until.getTime() + 60 * 60_000
    const knowledge = openKnowledge({ db, cache: memoryCache(), prepaid, postpaid, clock, log, patienceMs: 60_000 })
    try {
      const filledAs = await digests(filled.url)
      // Otherwise only the last months would be read.
      await client.query(`update meter_reading_state set whole_history_at = whole_history_at - interval '100 days'`)
      const meters = await db
        .selectFrom('meter')
        .select(['id', 'kind', 'number', 'police'])
        .where('id', 'in', ids)
        .execute()
      const outcomes = await knowledge.readings.read(meters)
      assert.deepEqual([...new Set(outcomes.values())], ['read'])
      const readAgain = await digests(filled.url)
      assert.equal(readAgain['consumption_entry'], filledAs['consumption_entry'])
      // Summed anew by the product, from the entries.
      await db.transaction().execute(async (tx) => {
        for (const { id } of meters) await sumMonths(tx, id, 'all')
      })
      assert.equal((await digests(filled.url))['consumption_month'], filledAs['consumption_month'])
    } finally {
      await knowledge.readings.close()
      await close()
      await client.query('update meter_reading_state set read_at = $1, whole_history_at = $1', [ORDER.until])
    }
  })
})

test('customers made on the command line log in and read what their rows add up to', async () => {
  let url = ''
  await using api = await testApi({ reach: (own) => (url = own) })
  await using program = startProgram([process.execPath, 'src/main.ts', 'generate', '--customers', '20'], {
    env: { DATABASE_DIRECT_URL: url },
  })
  const [, first, pin] = await program.line(/^customers (\+221\d+) to \+221\d+; all have one PIN, (\d+)$/)
  assert.equal((await program.exited).code, 0)
  assert.match(program.output.stderr, /\d rows in [\d.]+ s: [\d,]+ rows\/s/)

  for (const place of [0, 1, 2, 3, 19]) {
    const { accountId, meterId, phone } = customerAt('samaconso', place)
    assert.equal(phone === first, place === 0)
    const { app } = api.server
    const login = await app.inject({ method: 'POST', url: '/api/login', payload: { phone, pin } })
    assert.equal(login.statusCode, 200, login.body)
    const headers = { authorization: `Bearer ${login.json().access_token}` }
    const query = '?from=2020-01-01&to=2029-01-01&group_by=year'
    const read = await app.inject({ url: `/api/consumption/${accountId}${query}`, headers })
    const { meters, stale, ...total } = read.json()
    const rows = await withClient(url, (client) =>
      client.query(
        'select sum(energy_kwh)::float8 as energy_kwh, sum(amount_xof)::int as amount_xof from consumption_entry where meter_id = $1',
        [meterId],
      ),
    )
    assert.ok(rows.rows[0].amount_xof > 0)
    assert.deepEqual({ energy_kwh: total.energy_kwh, amount_xof: total.amount_xof }, rows.rows[0])
    assert.equal(stale, false)
    assert.deepEqual(
      meters.map((meter: { meter_id: string }) => meter.meter_id),
      [meterId],
    )
  }
})

suite('a database that is not for made-up customers', () => {
  let database: TestDatabase
  const generate = (...args: string[]) =>
    startProgram([process.execPath, 'src/main.ts', 'generate', ...args], {
      env: { DATABASE_DIRECT_URL: database.url },
    })
  const refusal = async (...args: string[]): Promise<string> => {
    await using program = generate(...args)
    assert.equal((await program.exited).code, 1)
    return program.output.stderr
  }

  before(async () => (database = await testDatabase()))
  after(() => database.close())

  test('is refused until it is named, and with another seed', async () => {
    const { db, close } = openDatabase({ url: database.url, log: createLogger('fatal') })
    await createCustomer(db, { phone: aPhone(), pin: TEST_PIN })
    const name = new URL(database.url).pathname.slice(1)
    assert.match(await refusal('--customers', '5'), new RegExp(`--yes-fill ${name}`))
    assert.match(await refusal('--customers', '5', '--yes-fill', 'production'), /but this is the database/)
    const accounts = () => db.selectFrom('account').select('id').execute()
    assert.equal((await accounts()).length, 1)

    await using program = generate('--customers', '5', '--months', '0', '--yes-fill', name)
    assert.equal((await program.exited).code, 0)
    assert.equal((await accounts()).length, 6)
    assert.equal((await db.selectFrom('consumption_entry').select('day').execute()).length, 0)
    assert.match(
      await refusal('--customers', '9', '--seed', 'other', '--yes-fill', name),
      /not generated with this seed/,
    )
    await close()
  })

  test('as are numbers that are none', async () => {
    for (const args of [[], ['--customers', 'many'], ['--customers', '0'], ['--customers', '5', '--months', '999']]) {
      assert.match(await refusal(...args), /a whole number from/)
    }
  })
})

function disposed(database: TestDatabase): TestDatabase & AsyncDisposable {
  return { ...database, [Symbol.asyncDispose]: () => database.close() }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demoIdentities } from '#src/simulators/sic/data/demo-identities.ts'
import { type DemoTable, fillDemoSources, generateDemoSources } from '#src/simulators/sic/data/demo-sources.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerPostpaidSource } from './postpaid-source.ts'
import { sqlServerPrepaidSource } from './prepaid-source.ts'

const options = { seed: 'demo', until: new Date('2026-11-22T12:00:00Z'), months: 36 }
const always = { from: '2000-01-01', to: '2100-01-01' }

/** As the source keeps it: a decimal has the digits of its column, a date is ISO 8601. */
function asKept({ table }: DemoTable, row: readonly (string | null)[]): Record<string, string | null> {
  const cells = table.columns.map(({ name, type }, place) => {
    const value = row[place] ?? null
    if (value === null) return [name, null]
    if (type.kind === 'datetime') return [name, value.replace(' ', 'T').replace('.000', '')]
    if (type.kind !== 'decimal') return [name, value]
    const [whole = '', fraction = ''] = value.split('.')
    return [name, `${whole}.${fraction.padEnd(type.scale, '0')}`]
  })
  return Object.fromEntries(cells)
}

function expectedOf(name: string, key: Readonly<Record<string, string>>): Record<string, string | null>[] {
  const found = generateDemoSources(options).find(({ table }) => table.name === name)
  assert.ok(found !== undefined)
  const rows = found.rows.map((row) => asKept(found, row))
  return rows.filter((row) => Object.entries(key).every(([column, value]) => row[column] === value))
}

test('every meter of the demo world reads over the wire as it was made, column by column', async () => {
  await using sic = await sicUnderTest()
  await fillDemoSources(sic.source.db, options)
  await using prepaid = sqlServerPrepaidSource(sic.options('SIC'))
  await using postpaid = sqlServerPostpaidSource(sic.options('HISTH2MC'))
  const some = demoIdentities.meters.slice(0, 8)
  for (const meter of some) {
    if (meter.kind === 'prepaid') {
      const key = { NUMERO_COMPTEUR: meter.number, POLICE: meter.police }
      const expected = expectedOf('HEXING_SENELECBILL_ALHDL2', key)
      assert.ok(expected.length > 36)
      assert.deepEqual(
        (await prepaid.sales(meter, always)).map(({ delivered }) => delivered),
        expected,
      )
    } else {
      const expected = expectedOf('Historique', { numCC: meter.contractAccount })
      assert.ok(expected.length >= 18)
      assert.deepEqual(
        (await postpaid.bills(meter.contractAccount, always)).map(({ delivered }) => delivered),
        expected,
      )
    }
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { demoRegisters } from '#src/simulators/sic/data/demo-registers.ts'
import { customerSourceConformance } from '#test/conformance/customer-source.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerCustomerSource } from './customer-source.ts'

customerSourceConformance('SQL Server', async () => {
  const sic = await sicUnderTest()
  const source = sqlServerCustomerSource(sic.options('BI_ODS'))
  return {
    source,
    async put(customers) {
      const people = customers.map((customer, place) => ({ ...customer, partner: `P${place}`, address: `A${place}` }))
      await sic.insert(
        'BUT000',
        people.map(({ partner, address }) => ({ PARTNER: partner, ADDRCOMM: address })),
      )
      await sic.insert(
        'ADR2',
        people.map(({ address, phone }) => ({ ADDRNUMBER: address, TELNR_CALL: phone })),
      )
      await sic.insert(
        'FKKVKP',
        people.flatMap(({ partner, accounts }) => accounts.map((VKONT) => ({ VKONT, GPART: partner }))),
      )
    },
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await sic[Symbol.asyncDispose]()
    },
  }
})

test('the demo customers are found with their accounts', async () => {
  await using sic = await sicUnderTest()
  for (const table of ['BUT000', 'ADR2', 'FKKVKP']) await sic.insert(table, demoRegisters[table] ?? [])
  await using source = sqlServerCustomerSource(sic.options('BI_ODS'))
  assert.deepEqual(await source.contractAccounts('+221770000001'), ['310000001'])
})

test('a database without the tables is refused', async () => {
  await using sic = await sicUnderTest()
  await using source = sqlServerCustomerSource(sic.options('SIC'))
  await assert.rejects(
    source.contractAccounts('+221770000001'),
    (error) => error instanceof SourceUnavailable && error.reason === 'refused',
  )
})

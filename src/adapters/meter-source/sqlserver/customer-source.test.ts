import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CustomerSource } from '#src/ports/customer-source.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { demoRegisters } from '#src/simulators/sic/data/demo-registers.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerCustomerSource } from './customer-source.ts'

const PHONE = '+221770000001'

interface HeldCustomer {
  readonly partner: string
  readonly phone: string
  readonly accounts: readonly string[]
}

async function put(sic: SicUnderTest, customers: readonly HeldCustomer[]): Promise<void> {
  const address = ({ partner }: HeldCustomer): string => `A${partner}`
  await sic.insert(
    'BUT000',
    customers.map((customer) => ({ PARTNER: customer.partner, ADDRCOMM: address(customer) })),
  )
  await sic.insert(
    'ADR2',
    customers.map((customer) => ({ ADDRNUMBER: address(customer), TELNR_CALL: customer.phone })),
  )
  await sic.insert(
    'FKKVKP',
    customers.flatMap(({ partner, accounts }) => accounts.map((VKONT) => ({ VKONT, GPART: partner }))),
  )
}

async function withCustomers(customers: readonly HeldCustomer[], look: (source: CustomerSource) => Promise<void>) {
  await using sic = await sicUnderTest()
  await put(sic, customers)
  await using source = sqlServerCustomerSource(sic.options('BI_ODS'))
  await look(source)
}

suite('the customers in SAP', () => {
  test('a phone is found however SAP spells it, and no other is', () =>
    withCustomers(
      ['770000001', '221770000001', '+221770000001', '00221770000001', '70000001', '770000002'].map((phone, place) => ({
        partner: String(place),
        phone,
        accounts: [`00031000000${place}`],
      })),
      async (source) => {
        assert.deepEqual(await source.contractAccounts(PHONE), ['310000000', '310000001', '310000002', '310000003'])
        assert.deepEqual(await source.contractAccounts('+221779999999'), [])
        assert.deepEqual(await source.contractAccounts("' OR 1=1 --"), [])
      },
    ))

  test("five accounts at most, each once, in order, none of the utility's own", () =>
    withCustomers(
      [
        {
          partner: '1',
          phone: '770000001',
          accounts: ['000000000009', '000000000002', '023000000001', '000000000005'],
        },
        {
          partner: '2',
          phone: '770000001',
          accounts: ['000000000007', '000000000002', '000000000001', '000000000004'],
        },
      ],
      async (source) => assert.deepEqual(await source.contractAccounts(PHONE), ['1', '2', '4', '5', '7']),
    ))

  test('the demo customers are found with their accounts', async () => {
    await using sic = await sicUnderTest()
    for (const table of ['BUT000', 'ADR2', 'FKKVKP']) await sic.insert(table, demoRegisters[table] ?? [])
    await using source = sqlServerCustomerSource(sic.options('BI_ODS'))
    assert.deepEqual(await source.contractAccounts(PHONE), ['310000001'])
  })

  test('a database without the tables is refused, a cancelled question rejects with its reason', async () => {
    await using sic = await sicUnderTest()
    await using source = sqlServerCustomerSource(sic.options('SIC'))
    await assert.rejects(
      source.contractAccounts(PHONE),
      (error) => error instanceof SourceUnavailable && error.reason === 'refused',
    )
    const reason = new Error('gone')
    await assert.rejects(source.contractAccounts(PHONE, AbortSignal.abort(reason)), (error) => error === reason)
  })
})

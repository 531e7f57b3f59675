import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CustomerSource } from '#src/ports/customer-source.ts'

/** Somebody in SAP: the phone as it is spelled there, the accounts with their zeros. */
export interface HeldCustomer {
  readonly phone: string
  readonly accounts: readonly string[]
}

export interface CustomersUnderTest extends AsyncDisposable {
  readonly source: CustomerSource
  readonly put: (customers: readonly HeldCustomer[]) => Promise<void>
}

const PHONE = '+221770000001'

/** What every source of customers must do. `open` gives one that holds nothing. */
export function customerSourceConformance(name: string, open: () => Promise<CustomersUnderTest>): void {
  suite(`customer source: ${name}`, () => {
    test('a phone is found however it is spelled there, and no other is', async () => {
      await using subject = await open()
      const spelled = ['770000001', '221770000001', '+221770000001', '00221770000001', '70000001', '770000002']
      await subject.put(spelled.map((phone, place) => ({ phone, accounts: [`00031000000${place}`] })))
      const found = await subject.source.contractAccounts(PHONE)
      assert.deepEqual(found, ['310000000', '310000001', '310000002', '310000003'])
      assert.deepEqual(await subject.source.contractAccounts('+221779999999'), [])
    })

    test("five accounts at most, each once, in order, none of the utility's own", async () => {
      await using subject = await open()
      await subject.put([
        { phone: '770000001', accounts: ['000000000009', '000000000002', '023000000001', '000000000005'] },
        { phone: '770000001', accounts: ['000000000007', '000000000002', '000000000001', '000000000004'] },
      ])
      assert.deepEqual(await subject.source.contractAccounts(PHONE), ['1', '2', '4', '5', '7'])
    })

    test('text that is no phone finds nobody', async () => {
      await using subject = await open()
      await subject.put([{ phone: '770000001', accounts: ['000310000001'] }])
      for (const text of ['', '%', "' OR 1=1 --", 'é☀', '7'.repeat(300)]) {
        assert.deepEqual(await subject.source.contractAccounts(text), [])
      }
    })

    test('a question cancelled before it is asked rejects with the reason of its signal', async () => {
      await using subject = await open()
      const reason = new Error('gone')
      await assert.rejects(
        subject.source.contractAccounts(PHONE, AbortSignal.abort(reason)),
        (error) => error === reason,
      )
    })
  })
}

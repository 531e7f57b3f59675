import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MeterRegister, RegisteredSupply } from '#src/ports/meter-register.ts'

export interface HeldPrepaidSupply extends RegisteredSupply {
  readonly number: string
}

export interface HeldContractAccount extends Omit<RegisteredSupply, 'police'> {
  readonly contractAccount: string
}

export interface RegisterUnderTest extends AsyncDisposable {
  readonly register: MeterRegister
  readonly putPrepaid: (supplies: readonly HeldPrepaidSupply[]) => Promise<void>
  readonly putPostpaid: (accounts: readonly HeldContractAccount[]) => Promise<void>
}

const supply: HeldPrepaidSupply = {
  number: '14250000016',
  police: '210000001',
  phone: '770000001',
  agencyName: 'AGENCE THIÈS',
  tariffCode: 'DPP',
}
const account: HeldContractAccount = {
  contractAccount: '310000001',
  phone: '221770000001',
  agencyName: 'AGENCE DAKAR PLATEAU',
  tariffCode: 'PPP',
}

/** What every register of meters must do. `open` gives one that knows nobody. */
export function meterRegisterConformance(name: string, open: () => Promise<RegisterUnderTest>): void {
  suite(`meter register: ${name}`, () => {
    test('tells what it has of a Woyofal meter and of a contract account', async () => {
      await using subject = await open()
      await subject.putPrepaid([supply])
      await subject.putPostpaid([account])
      const { number, ...prepaid } = supply
      assert.deepEqual(await subject.register.prepaidSupplies(number), [prepaid])
      const { contractAccount, ...postpaid } = account
      assert.deepEqual(await subject.register.postpaidSupplies(contractAccount), [{ police: null, ...postpaid }])
    })

    test('a number that it does not know is an empty list, also when the other kind has it', async () => {
      await using subject = await open()
      await subject.putPrepaid([supply])
      await subject.putPostpaid([account])
      assert.deepEqual(await subject.register.prepaidSupplies('310000001'), [])
      assert.deepEqual(await subject.register.postpaidSupplies('14250000016'), [])
    })

    test('a meter that has moved has several supplies, by police', async () => {
      await using subject = await open()
      await subject.putPrepaid([supply, { ...supply, police: '200000001', phone: '338210000' }])
      const found = await subject.register.prepaidSupplies(supply.number)
      assert.deepEqual(
        found.map(({ police, phone }) => [police, phone]),
        [
          ['200000001', '338210000'],
          ['210000001', '770000001'],
        ],
      )
    })

    test('the same row twice is one supply, and what is missing is null', async () => {
      await using subject = await open()
      const bare = { ...account, phone: null, agencyName: null, tariffCode: null }
      await subject.putPostpaid([bare, bare])
      const nothing = { police: null, phone: null, agencyName: null, tariffCode: null }
      assert.deepEqual(await subject.register.postpaidSupplies(account.contractAccount), [nothing])
    })

    test('a question cancelled before it is asked rejects with the reason of its signal', async () => {
      await using subject = await open()
      const reason = new Error('gone')
      const asked = subject.register.prepaidSupplies(supply.number, AbortSignal.abort(reason))
      await assert.rejects(asked, (error) => error === reason)
    })
  })
}

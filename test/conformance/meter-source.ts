import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'

/** One sale as the source's table would hold it; decimals as text, moments as `YYYY-MM-DD HH:MM:SS.mmm`. */
export interface HeldSale {
  readonly number: string
  readonly police: string
  readonly orderNumber: string
  readonly soldAt: string
  readonly energyKwh: string | null
  readonly receivedXof: string | null
  readonly withTaxXof: string | null
}

export interface HeldBill {
  readonly contractAccount: string
  readonly billId: string
  readonly billedOn: string
  readonly energyKwh: string | null
  readonly lowVoltageXof: string | null
  readonly withTaxXof: string | null
}

export interface PrepaidUnderTest extends AsyncDisposable {
  readonly source: PrepaidSource
  readonly put: (sales: readonly HeldSale[]) => Promise<void>
}

export interface PostpaidUnderTest extends AsyncDisposable {
  readonly source: PostpaidSource
  readonly put: (bills: readonly HeldBill[]) => Promise<void>
}

const meter = { number: '14250000016', police: '210000001' }
const account = '310000001'
const always = { from: '2000-01-01', to: '2100-01-01' }

function sale(changed: Partial<HeldSale> & { orderNumber: string; soldAt: string }): HeldSale {
  return { ...meter, energyKwh: '113.9', receivedXof: '10000', withTaxXof: '10000', ...changed }
}

function bill(changed: Partial<HeldBill> & { billId: string; billedOn: string }): HeldBill {
  return { contractAccount: account, energyKwh: '281', lowVoltageXof: '23702.1', withTaxXof: '23702.1', ...changed }
}

/** Sources may pad decimals with zeros. */
const plain = (decimal: string): string => (decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal)

const edges: readonly { what: string; range: { from: string; to: string }; inside: string[]; outside: string[] }[] = [
  {
    what: 'begins with its first instant and ends before its last day',
    range: { from: '2026-03-01', to: '2026-04-01' },
    inside: ['2026-03-01 00:00:00.000', '2026-03-31 23:59:59.997'],
    outside: ['2026-02-28 23:59:59.997', '2026-04-01 00:00:00.000'],
  },
  {
    what: 'holds at the end of a year',
    range: { from: '2025-12-31', to: '2026-01-01' },
    inside: ['2025-12-31 00:00:00.000', '2025-12-31 23:59:59.997'],
    outside: ['2025-12-30 23:59:59.997', '2026-01-01 00:00:00.000'],
  },
  {
    what: 'knows the leap day',
    range: { from: '2024-02-29', to: '2024-03-01' },
    inside: ['2024-02-29 00:00:00.003', '2024-02-29 23:00:00.000'],
    outside: ['2024-02-28 23:59:59.997', '2024-03-01 00:00:00.000'],
  },
]

/** What every prepaid source must do. `open` gives one that holds nothing. */
export function prepaidSourceConformance(name: string, open: () => Promise<PrepaidUnderTest>): void {
  suite(`prepaid source: ${name}`, () => {
    for (const { what, range, inside, outside } of edges) {
      test(`a range ${what}`, async () => {
        await using subject = await open()
        const moments = [...outside, ...inside]
        await subject.put(moments.map((soldAt, place) => sale({ orderNumber: `E${place}`, soldAt })))
        const found = await subject.source.sales(meter, range)
        const expected = inside.map((moment) => `${moment.replace(' ', 'T')}Z`)
        assert.deepEqual(
          found.map(({ soldAt }) => soldAt.toISOString()),
          expected,
        )
      })
    }

    test('an empty range, an unknown meter and another police find nothing', async () => {
      await using subject = await open()
      await subject.put([sale({ orderNumber: 'A', soldAt: '2026-03-10 10:00:00.000' })])
      assert.deepEqual(await subject.source.sales(meter, { from: '2026-03-10', to: '2026-03-10' }), [])
      assert.deepEqual(await subject.source.sales({ ...meter, number: '1' }, always), [])
      assert.deepEqual(await subject.source.sales({ ...meter, police: '1' }, always), [])
      assert.equal((await subject.source.sales(meter, always)).length, 1)
    })

    test('orders by moment, then by order number', async () => {
      await using subject = await open()
      await subject.put([
        sale({ orderNumber: 'B2', soldAt: '2026-03-10 10:00:00.003' }),
        sale({ orderNumber: 'C1', soldAt: '2026-03-10 10:00:00.000' }),
        sale({ orderNumber: 'B1', soldAt: '2026-03-10 10:00:00.003' }),
        sale({ orderNumber: 'D1', soldAt: '2026-03-09 23:59:59.000' }),
      ])
      const found = await subject.source.sales(meter, always)
      assert.deepEqual(
        found.map(({ orderNumber }) => orderNumber),
        ['D1', 'C1', 'B1', 'B2'],
      )
    })

    test('decimals keep every digit', async () => {
      await using subject = await open()
      await subject.put([
        sale({
          orderNumber: 'A',
          soldAt: '2026-03-10 10:00:00.000',
          energyKwh: '123456789012345.678',
          receivedXof: '9007199254740993.01',
        }),
        sale({ orderNumber: 'B', soldAt: '2026-03-11 10:00:00.000', energyKwh: '0.1', receivedXof: '-250.5' }),
      ])
      const found = await subject.source.sales(meter, always)
      assert.deepEqual(
        found.map(({ energyKwh, amountXof }) => [plain(energyKwh), plain(amountXof)]),
        [
          ['123456789012345.678', '9007199254740993.01'],
          ['0.1', '-250.5'],
        ],
      )
    })

    test('what was received counts, else what was due, and a null is 0', async () => {
      await using subject = await open()
      const soldAt = '2026-03-10 10:00:00.000'
      await subject.put([
        sale({ orderNumber: 'A', soldAt, receivedXof: '4998', withTaxXof: '5000' }),
        sale({ orderNumber: 'B', soldAt, receivedXof: null, withTaxXof: '5000' }),
        sale({ orderNumber: 'C', soldAt, receivedXof: '0', withTaxXof: '5000' }),
        sale({ orderNumber: 'D', soldAt, receivedXof: null, withTaxXof: null, energyKwh: null }),
      ])
      const found = await subject.source.sales(meter, always)
      assert.deepEqual(
        found.map(({ amountXof }) => plain(amountXof)),
        ['4998', '5000', '0', '0'],
      )
      assert.equal(plain(found[3]?.energyKwh ?? ''), '0')
    })

    test('a question cancelled before it is asked rejects with the reason of its signal', async () => {
      await using subject = await open()
      const reason = new Error('gone')
      const asked = subject.source.sales(meter, always, AbortSignal.abort(reason))
      await assert.rejects(asked, (error) => error === reason)
    })

    test('answers many at a time', async () => {
      await using subject = await open()
      const numbers = Array.from({ length: 25 }, (_, place) => String(place))
      await subject.put(
        numbers.map((number) => sale({ number, orderNumber: number, soldAt: '2026-03-10 10:00:00.000' })),
      )
      const answers = await Promise.all(numbers.map((number) => subject.source.sales({ ...meter, number }, always)))
      assert.deepEqual(
        answers.map((found) => found.map(({ orderNumber }) => orderNumber)),
        numbers.map((number) => [number]),
      )
    })
  })
}

/** What every postpaid source must do. `open` gives one that holds nothing. */
export function postpaidSourceConformance(name: string, open: () => Promise<PostpaidUnderTest>): void {
  suite(`postpaid source: ${name}`, () => {
    test('a range begins with its first day and ends before its last, at the end of a year and on the leap day', async () => {
      await using subject = await open()
      const days = ['2024-02-28', '2024-02-29', '2024-03-01', '2025-12-31', '2026-01-01']
      await subject.put(days.map((billedOn, place) => bill({ billId: String(place + 1), billedOn })))
      const found = async (from: string, to: string): Promise<string[]> =>
        (await subject.source.bills(account, { from, to })).map(({ billedOn }) => billedOn)
      assert.deepEqual(await found('2024-02-29', '2024-03-01'), ['2024-02-29'])
      assert.deepEqual(await found('2024-02-28', '2024-03-02'), ['2024-02-28', '2024-02-29', '2024-03-01'])
      assert.deepEqual(await found('2025-12-31', '2026-01-01'), ['2025-12-31'])
      assert.deepEqual(await found('2026-01-01', '2026-01-01'), [])
    })

    test('orders by day, then by id, and finds nothing for another account', async () => {
      await using subject = await open()
      await subject.put([
        bill({ billId: '12', billedOn: '2026-03-05' }),
        bill({ billId: '11', billedOn: '2026-03-05' }),
        bill({ billId: '13', billedOn: '2026-01-05' }),
      ])
      const found = await subject.source.bills(account, always)
      assert.deepEqual(
        found.map(({ billId }) => billId),
        ['13', '11', '12'],
      )
      assert.deepEqual(await subject.source.bills('310000002', always), [])
    })

    test('the low-voltage amount counts, else the whole one, and a null is 0', async () => {
      await using subject = await open()
      await subject.put([
        bill({ billId: '1', billedOn: '2026-01-05', lowVoltageXof: '9007199254740993.01', withTaxXof: '7' }),
        bill({ billId: '2', billedOn: '2026-03-05', lowVoltageXof: null, withTaxXof: '123456.78' }),
        bill({ billId: '3', billedOn: '2026-05-05', lowVoltageXof: null, withTaxXof: null, energyKwh: null }),
      ])
      const found = await subject.source.bills(account, always)
      assert.deepEqual(
        found.map(({ amountXof }) => plain(amountXof)),
        ['9007199254740993.01', '123456.78', '0'],
      )
      assert.deepEqual(
        found.map(({ energyKwh }) => plain(energyKwh)),
        ['281', '281', '0'],
      )
    })

    test('a question cancelled before it is asked rejects with the reason of its signal', async () => {
      await using subject = await open()
      const reason = new Error('gone')
      const asked = subject.source.bills(account, always, AbortSignal.abort(reason))
      await assert.rejects(asked, (error) => error === reason)
    })
  })
}

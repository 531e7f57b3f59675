import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { SqlServerClient } from './client.ts'
import { decimalOf, toDelivered } from './delivered.ts'
import { exactText } from './statements.ts'

const MOST_DIGITS = 38
const MONEY_PLACES = 4
const MOST_MONEY = 2n ** 63n - 1n

interface Sample {
  readonly type: string
  readonly text: string
}

/** Digits with a point before the last `places`, as SQL Server prints them. */
function written(digits: string, places: number, isNegative: boolean): string {
  const padded = digits.replace(/^0+/, '').padStart(places + 1, '0')
  const whole = padded.slice(0, padded.length - places)
  const text = places === 0 ? whole : `${whole}.${padded.slice(-places)}`
  return isNegative && /[1-9]/.test(padded) ? `-${text}` : text
}

const digit = fc.constantFrom(...'0123456789')
const decimals: fc.Arbitrary<Sample> = fc
  .record({ precision: fc.integer({ min: 1, max: MOST_DIGITS }), isNegative: fc.boolean() })
  .chain(({ precision, isNegative }) =>
    fc
      .record({
        places: fc.integer({ min: 0, max: precision }),
        digits: fc.string({ unit: digit, minLength: 1, maxLength: precision }),
      })
      .map(({ places, digits }) => ({
        type: `decimal(${precision}, ${places})`,
        text: written(digits, places, isNegative),
      })),
  )
const money: fc.Arbitrary<Sample> = fc
  .bigInt({ min: -MOST_MONEY, max: MOST_MONEY })
  .map((value) => ({ type: 'money', text: written(String(value < 0n ? -value : value), MONEY_PLACES, value < 0n) }))

suite('decimals over the wire', () => {
  let sic: SicUnderTest
  let client: SqlServerClient
  before(async () => {
    sic = await sicUnderTest()
    client = new SqlServerClient(sic.options('SIC'))
  })
  after(async () => {
    await client[Symbol.asyncDispose]()
    await sic[Symbol.asyncDispose]()
  })

  async function overWire({ type, text }: Sample): Promise<string> {
    const rows = await client.query(`SELECT ${exactText(`CAST(@text AS ${type})`)} AS value`, { text })
    const [row] = toDelivered(rows)
    assert.ok(row)
    return decimalOf(row, 'value')
  }

  test('every digit of every decimal and of money arrives, whatever its sign and scale', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(decimals, money), async (sample) => {
        assert.equal(await overWire(sample), sample.text)
      }),
      { numRuns: 200 },
    ))

  test('the longest ones arrive too', async () => {
    for (const sample of [
      { type: 'decimal(38, 38)', text: `-0.${'9'.repeat(MOST_DIGITS)}` },
      { type: 'decimal(38, 0)', text: `-${'9'.repeat(MOST_DIGITS)}` },
      { type: 'money', text: '-922337203685477.5807' },
      { type: 'bigint', text: '-9223372036854775808' },
    ]) {
      assert.equal(await overWire(sample), sample.text)
    }
  })
})

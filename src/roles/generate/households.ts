import { billFrom } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { saleFrom } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import { firstOfMonth } from '#src/core/calendar.ts'
import { copyText } from '#src/database/copy-in.ts'
import { sumOf } from '#src/modules/consumption/aggregate.ts'
import { type Entry, fromBill, fromSale } from '#src/modules/consumption/entry.ts'
import { type Month, monthAt, monthIndex } from '#src/simulators/sic/data/demand.ts'
import { billOfMonth } from '#src/simulators/sic/data/demo-bills.ts'
import { salesOfMonth } from '#src/simulators/sic/data/demo-sales.ts'
import type { DemoPostpaidMeter, DemoPrepaidMeter, DemoTariffClass } from '#src/simulators/sic/data/demo-types.ts'
import { randomFor } from '#src/simulators/sic/data/random.ts'
import { asDelivered } from './as-delivered.ts'

export interface HouseholdOrder {
  readonly seed: string
  /** Full months before the month of `until`; none makes no history. */
  readonly months: number
  /** Nothing is dated after this moment. */
  readonly until: Date
}

/** The history of a made-up household, which many customers share but for the numbers in it. */
export interface Household {
  readonly tariffClass: DemoTariffClass
  readonly phase: 'single' | 'three'
  /** Lines for COPY by year; a customer's own digits go between the pieces of each. */
  readonly linesByYear: ReadonlyMap<number, readonly (readonly string[])[]>
  /** Lines for COPY of the sums per month, without the meter's id. */
  readonly monthLines: readonly string[]
}

/** Where a customer's own digits go. As long as what the demo's bills keep of a number. */
export const TAIL = '#tail#'
export const PREPAID_NUMBER = '1499'
export const POLICE = '21'
export const CONTRACT_ACCOUNT = '39'
const HOUSEHOLDS = { prepaid: 96, postpaid: 32 } as const
/** Of a month's sales in the demo world the first is kept, in some months the second too: about forty rows a customer. */
const SECOND_SALE_SHARE = 1 / 6

export type Households = Readonly<Record<'prepaid' | 'postpaid', readonly Household[]>>

/** Households of every class of the tariff, each with a history by the rules of the demo world. */
export function makeHouseholds(order: HouseholdOrder): Households {
  const make = (kind: 'prepaid' | 'postpaid'): Household[] =>
    Array.from({ length: HOUSEHOLDS[kind] }, (_, place) => {
      const supply = supplyOf(place)
      const entries = [...(kind === 'prepaid' ? purchases(order, place, supply) : bills(order, place, supply))]
      const years = Map.groupBy(entries, (entry) => Number(entry.day.slice(0, 4)))
      const lines = [...years].map(
        ([year, those]) => [year, those.map((entry) => linePieces(entry, order.until))] as const,
      )
      return { ...supply, linesByYear: new Map(lines), monthLines: monthLines(entries) }
    })
  return { prepaid: make('prepaid'), postpaid: make('postpaid') }
}

/** Every eighth is a shop or a larger house. */
function supplyOf(place: number): Pick<Household, 'tariffClass' | 'phase'> {
  const tariffClass = place % 8 === 0 ? (['PPP', 'DMP', 'PMP'] as const)[(place / 8) % 3] : 'DPP'
  return { tariffClass: tariffClass ?? 'DPP', phase: place % 5 === 0 ? 'three' : 'single' }
}

function* purchases(order: HouseholdOrder, place: number, supply: Supply): Generator<Entry> {
  const seed = `${order.seed} prepaid ${place}`
  const meter: DemoPrepaidMeter = {
    kind: 'prepaid',
    number: `${PREPAID_NUMBER}${TAIL}`,
    police: `${POLICE}${TAIL}`,
    ...nameless(supply),
    customerNumber: `70${TAIL}`,
  }
  const last = order.until.toISOString().replace('T', ' ')
  for (const month of monthsOf(order)) {
    const count = randomFor(seed, month.year, month.month, 'second').next() < SECOND_SALE_SHARE ? 2 : 1
    for (const sale of salesOfMonth(seed, meter, AGENCY, month).slice(0, count)) {
      if ((sale['DATE_TRANSACTION'] ?? '') > last) return
      yield fromSale(saleFrom(asDelivered('HEXING_SENELECBILL_ALHDL2', sale)))
    }
  }
}

function* bills(order: HouseholdOrder, place: number, supply: Supply): Generator<Entry> {
  const seed = `${order.seed} postpaid ${place}`
  const contractAccount = `${CONTRACT_ACCOUNT}${TAIL}`
  const meter: DemoPostpaidMeter = {
    kind: 'postpaid',
    number: contractAccount,
    contractAccount,
    ...nameless(supply),
    customerNumber: `51${TAIL}`,
    plateNumber: `00${TAIL}`,
  }
  const owner = { phone: '', firstName: 'Client', lastName: 'Essai' }
  const last = order.until.toISOString().slice(0, 10)
  for (const month of monthsOf(order)) {
    // Half of the households are billed in even months, the others in odd ones.
    if ((month.month + place) % 2 !== 0) continue
    const bill = billOfMonth(seed, meter, owner, AGENCY, month)
    if ((bill['DATFACT'] ?? '') > last) return
    yield fromBill(billFrom(asDelivered('Historique', bill)))
  }
}

type Supply = Pick<Household, 'tariffClass' | 'phase'>

const AGENCY = 'AGENCE ESSAI'

function nameless(supply: Supply) {
  return { ownerPhone: '', agencyCode: '', address: 'QUARTIER ESCALE', ...supply }
}

function* monthsOf({ until, months }: HouseholdOrder): Generator<Month> {
  if (months === 0) return
  const current = monthIndex(until)
  for (let index = current - months; index <= current; index += 1) yield monthAt(index)
}

/** The columns behind the meter's id, cut where a customer's own digits go. */
function linePieces({ day, sourceKey, occurredAt, energyWh, amountXof, delivered }: Entry, fetchedAt: Date): string[] {
  const energyKwh = (energyWh / 1_000).toFixed(3)
  const columns = [day, sourceKey, occurredAt.toISOString(), energyKwh, String(amountXof), JSON.stringify(delivered)]
  return `\t${[...columns, fetchedAt.toISOString()].map(copyText).join('\t')}\n`.split(TAIL)
}

function monthLines(entries: readonly Entry[]): string[] {
  const months = Map.groupBy(entries, (entry) => firstOfMonth(entry.day))
  return [...months].map(([month, those]) => {
    const { energyWh, amountXof } = sumOf(those)
    return `\t${month}\t${(energyWh / 1_000).toFixed(3)}\t${amountXof}\t${those.length}\n`
  })
}

import { type Month, monthAt, monthKey, monthlyDemandKwh } from './demand.ts'
import type { DemoCustomer, DemoPostpaidMeter } from './demo-types.ts'
import { publicTariff, TCO_RATE, tvaRate } from './public-tariff.ts'
import { randomFor } from './random.ts'

const DAY_MS = 86_400_000
const DAYS_TO_PAY = 15

type BillRow = Readonly<Record<string, string | null>>

/** Half of the accounts are billed in even months, the others in odd ones, always for the two months before. */
export function isBilledIn(meter: DemoPostpaidMeter, month: Month): boolean {
  return (Number(meter.contractAccount) + month.month) % 2 === 0
}

/** The bill of one account and month: the same for the same seed, whatever is made beside it. */
export function billOfMonth(
  seed: string,
  meter: DemoPostpaidMeter,
  owner: DemoCustomer,
  agencyName: string,
  month: Month,
): BillRow {
  const random = randomFor(seed, meter.number, monthKey(month))
  const billedOn = `${monthKey(month)}-${String(random.between(3, 14)).padStart(2, '0')}`
  const days = random.between(57, 63)
  const energies = bandsOf(meter, billedOn, days, twoMonthsKwh(seed, meter, month))
  const totals = totalsOf(meter, billedOn, energies)
  // Medium-voltage customers have no low-voltage part in the amount.
  const isLowVoltage = meter.tariffClass !== 'PMP'
  const later = (count: number): string =>
    new Date(Date.parse(`${billedOn}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10)
  return {
    IDHistorique: `${month.year - 2000}${String(month.month).padStart(2, '0')}${meter.number.slice(-6)}`,
    numFact: `F${billedOn.slice(2, 7).replace('-', '')}${meter.number.slice(-6)}`,
    numCC: meter.contractAccount,
    numPartenaire: meter.customerNumber,
    dateEnvoi: `${later(1)} 06:30:00`,
    ADD_LIV: meter.address,
    ADD_PRES: meter.address,
    AI_TH1: String(random.between(1000, 90_000)),
    AGENCE: agencyName,
    BORDEREAU: random.digits(8),
    BT_MONT_HT: isLowVoltage ? totals.beforeTax : null,
    BT_MONT_TTC: isLowVoltage ? totals.withTax : null,
    BT_MONT_TCO: isLowVoltage ? totals.tco : null,
    BT_TOTALFACTUR: isLowVoltage ? totals.withTax : null,
    BT_CONSTOT: String(energies[0] + energies[1] + energies[2]),
    MONT_TCO: totals.tco,
    MONT_TTC: totals.withTax,
    MONT_TVA: totals.tva,
    myTypeFact: 'C',
    NBJRS_: String(days),
    NOCPTEUR: meter.plateNumber,
    NOMPRES: `${owner.firstName} ${owner.lastName}`.toUpperCase(),
    PMAX: meter.phase === 'single' ? '5' : '9',
    TARIF: meter.tariffClass,
    TOTALFACT: totals.withTax,
    TYPEFACT: 'FACTURE CYCLIQUE',
    moisFacturation: String(month.month),
    anneeFacturation: String(month.year),
    typeClientele: isLowVoltage ? 'BT' : 'MT',
    DATFACT: billedOn,
    DATEECH: later(DAYS_TO_PAY),
    BT_CONSOM1: String(energies[0]),
    BT_CONSOM2: String(energies[1]),
    BT_CONSOM3: String(energies[2]),
  }
}

function twoMonthsKwh(seed: string, meter: DemoPostpaidMeter, month: Month): number {
  const last = month.year * 12 + month.month - 2
  const demand = [last - 1, last].map((index) => {
    const earlier = monthAt(index)
    const mood = randomFor(seed, meter.number, monthKey(earlier), 'mood')
    return monthlyDemandKwh(meter.tariffClass, earlier, randomFor(seed, meter.number, 'habits'), mood)
  })
  return Math.round(demand.reduce((sum, kwh) => sum + kwh, 0))
}

/** Whole kWh per tranche. Whether a bill's bands follow its days is not published; here they do. */
function bandsOf(meter: DemoPostpaidMeter, day: string, days: number, kwh: number): [number, number, number] {
  const [first, second] = publicTariff(meter.tariffClass, 'postpaid', day).upToKwh
  const [firstEnd, secondEnd] = [Math.round((first * days) / 30), Math.round((second * days) / 30)]
  const inFirst = Math.min(kwh, firstEnd)
  const inSecond = Math.min(kwh, secondEnd) - inFirst
  return [inFirst, inSecond, kwh - inFirst - inSecond]
}

const inXof = (cents: number): string => (cents / 100).toFixed(2)

function totalsOf(meter: DemoPostpaidMeter, day: string, energies: readonly [number, number, number]) {
  const { prices } = publicTariff(meter.tariffClass, 'postpaid', day)
  const energyCents = energies.map((kwh, place) => Math.round(kwh * (prices[place] ?? 0) * 100))
  const beforeTax = energyCents.reduce((sum, part) => sum + part, 0)
  const tco = Math.round(beforeTax * TCO_RATE)
  const tva = Math.round((energyCents[2] ?? 0) * tvaRate(meter.tariffClass))
  return { beforeTax: inXof(beforeTax), tco: inXof(tco), tva: inXof(tva), withTax: inXof(beforeTax + tco + tva) }
}

import { daysIn, type Month, monthKey, monthlyDemandKwh } from './demand.ts'
import type { DemoPrepaidMeter } from './demo-types.ts'
import { priceRecharge, type PricedRecharge } from './price-recharge.ts'
import { publicTariff } from './public-tariff.ts'
import { type Random, randomFor } from './random.ts'

const OPERATORS = ['ORANGE MONEY', 'WAVE', 'FREE MONEY', 'GUICHET', 'WARI', 'KIOSQUE']
/** A first recharge also pays the month's rental, which is more than 1,000 for three phases. */
const LEAST_XOF = { single: 1000, three: 2000 } as const
/** The STS rollover: the first recharge from this day on carries three codes. How the source writes three is not known. */
const KEY_CHANGE_DAY = '2024-10-15'
/** From this month on a meter with a former contract serves its present one. */
const MOVED_IN = '2025-03'
const DEBT_SHARE = 0.1

type SaleRow = Readonly<Record<string, string | null>>

/** What one meter bought in one month: the same for the same seed, whatever is made beside it. */
export function salesOfMonth(seed: string, meter: DemoPrepaidMeter, agencyName: string, month: Month): SaleRow[] {
  const key = monthKey(month)
  const isFormer = meter.formerPolice !== undefined && key < MOVED_IN
  const police = isFormer ? (meter.formerPolice ?? meter.police) : meter.police
  const random = randomFor(seed, meter.number, key)
  const owesUntil = randomFor(seed, police, 'debt').next() < 0.2 ? '2026-06' : ''
  const demandKwh = monthlyDemandKwh(meter.tariffClass, month, randomFor(seed, police, 'habits'), random)
  const times = momentsIn(month, random.between(2, 6), random)
  const amounts = amountsFor(meter, key, demandKwh, times.length, random)
  let monthToDateKwh = 0
  return times.map((soldAt, place) => {
    const amountXof = amounts[place] ?? LEAST_XOF[meter.phase]
    const debtXof = key < owesUntil && amountXof >= 5000 ? Math.round(amountXof * DEBT_SHARE) : 0
    const { tariffClass, phase } = meter
    const day = soldAt.slice(0, 10)
    const firstOfMonth = place === 0
    const priced = priceRecharge({ tariffClass, phase, day, amountXof, debtXof, monthToDateKwh, firstOfMonth })
    monthToDateKwh += priced.energyKwh
    const hasKeyChange = soldAt >= KEY_CHANGE_DAY && (times[place - 1] ?? '') < KEY_CHANGE_DAY && key === '2024-10'
    return {
      NUMERO_COMMANDE: `${soldAt.slice(2, 10).replaceAll('-', '')}${meter.number.slice(4)}${place + 1}`,
      NUMERO_COMPTEUR: meter.number,
      POLICE: police,
      NOM_AGENCE_ENCAISSEMENT: agencyName,
      TARIF_USAGE: meter.tariffClass,
      DATE_TRANSACTION: soldAt,
      NOM_OPERATEUR: random.pick(OPERATORS),
      TOKEN: Array.from({ length: hasKeyChange ? 3 : 1 }, () => random.digits(20)).join(' '),
      SOLDE_DETTE: debtXof === 0 ? '0' : String(monthsUntil(key, owesUntil) * 2500),
      DETTES: String(debtXof),
      ...moneyColumns(priced, amountXof, random),
    }
  })
}

/** Sales by the day and minute, in order, no two in one minute. */
function momentsIn(month: Month, count: number, random: Random): string[] {
  const moments = new Set<string>()
  while (moments.size < count) {
    const day = String(random.between(1, daysIn(month))).padStart(2, '0')
    const hour = String(random.between(7, 22)).padStart(2, '0')
    const minute = String(random.between(0, 59)).padStart(2, '0')
    const rest = `${String(random.between(0, 59)).padStart(2, '0')}.${random.pick(['000', '003', '337', '870'])}`
    moments.add(`${monthKey(month)}-${day} ${hour}:${minute}:${rest}`)
  }
  return [...moments].toSorted()
}

/** Round sums that together buy about what the month needs. */
function amountsFor(meter: DemoPrepaidMeter, key: string, kwh: number, count: number, random: Random): number[] {
  const [first, second] = publicTariff(meter.tariffClass, 'prepaid', `${key}-01`).prices
  const budgetXof = kwh * (0.6 * first + 0.4 * second) * 1.05
  return Array.from({ length: count }, () => {
    const share = (budgetXof / count) * (0.6 + random.next() * 0.8)
    return Math.max(LEAST_XOF[meter.phase], Math.round(share / 500) * 500)
  })
}

/** A tenth of the sales have no MONTANT_RECU; a few counter sales give a little change back, which is ARRONDI. */
function moneyColumns(priced: PricedRecharge, amountXof: number, random: Random): SaleRow {
  const roundingXof = random.next() < 0.05 ? random.between(1, 4) : undefined
  const isReceiptKept = random.next() >= 0.1
  const [first, second, third] = priced.tranches
  return {
    MONTANT_HT: priced.beforeTaxXof.toFixed(2),
    MONTANT_TVA: priced.tvaXof.toFixed(2),
    MONTANT_TCO: priced.tcoXof.toFixed(2),
    MONTANT_TTC: amountXof.toFixed(2),
    ENERGIE_VENDUE: priced.energyKwh.toFixed(1),
    MONTANT_RECU: isReceiptKept ? (amountXof - (roundingXof ?? 0)).toFixed(2) : null,
    ARRONDI: roundingXof === undefined ? null : roundingXof.toFixed(2),
    ENERGIE1: first.energyKwh.toFixed(1),
    ENERGIE2: second.energyKwh.toFixed(1),
    ENERGIE3: third.energyKwh.toFixed(1),
    PRIX1: first.priceXof.toFixed(2),
    PRIX2: second.priceXof.toFixed(2),
    PRIX3: third.priceXof.toFixed(2),
    MONTANT1: first.amountXof.toFixed(2),
    MONTANT2: second.amountXof.toFixed(2),
    MONTANT3: third.amountXof.toFixed(2),
  }
}

const monthCount = (key: string): number => Number(key.slice(0, 4)) * 12 + Number(key.slice(5))

function monthsUntil(from: string, to: string): number {
  return Math.max(0, monthCount(to) - monthCount(from))
}

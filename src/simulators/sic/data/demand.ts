import type { DemoTariffClass } from './demo-types.ts'
import type { Random } from './random.ts'

/** Share of the yearly mean by month from January: fans and cold storage run hardest in the wet heat of August to October. */
const SEASON = [0.85, 0.84, 0.88, 0.92, 0.97, 1.06, 1.14, 1.19, 1.22, 1.17, 0.96, 0.85]

/** Typical kWh of a month, lowest and highest household or shop of a class. */
const TYPICAL_KWH: Readonly<Record<DemoTariffClass, readonly [number, number]>> = {
  DPP: [110, 270],
  PPP: [160, 420],
  DMP: [300, 520],
  PMP: [420, 760],
}

export interface Month {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
}

/** `2026-03`. */
export const monthKey = ({ year, month }: Month): string => `${year}-${String(month).padStart(2, '0')}`
export const monthAt = (index: number): Month => ({ year: Math.floor(index / 12), month: (index % 12) + 1 })
/** Months since the year 0, to count with. */
export const monthIndex = (at: Date): number => at.getUTCFullYear() * 12 + at.getUTCMonth()
export const daysIn = ({ year, month }: Month): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

/** @param habits a stream that is the same in every month of a meter; @param mood one of the month alone */
export function monthlyDemandKwh(tariffClass: DemoTariffClass, month: Month, habits: Random, mood: Random): number {
  const [low, high] = TYPICAL_KWH[tariffClass]
  const typical = low + habits.next() * (high - low)
  return typical * (SEASON[month.month - 1] ?? 1) * (0.88 + mood.next() * 0.24)
}

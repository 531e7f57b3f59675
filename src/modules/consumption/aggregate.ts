import type { Day } from '#src/core/calendar.ts'
import type { Period } from './periods.ts'

/** What a sale or bill counts on its day. Energy is in watt-hours, the thousandths of a kWh, so that sums are exact. */
export interface DatedAmount {
  readonly day: Day
  readonly energyWh: number
  readonly amountXof: number
}

export interface Sum {
  readonly energyWh: number
  readonly amountXof: number
}

export interface PeriodSum extends Period, Sum {}

/** What falls into each period, zero where nothing does. Entries are in order of their days, periods too. */
export function sumByPeriod(periods: readonly Period[], entries: readonly DatedAmount[]): PeriodSum[] {
  let next = 0
  return periods.map(({ start, end }) => {
    let energyWh = 0
    let amountXof = 0
    for (let entry = entries[next]; entry !== undefined && entry.day < end; entry = entries[++next]) {
      if (entry.day < start) continue
      energyWh += entry.energyWh
      amountXof += entry.amountXof
    }
    return { start, end, energyWh, amountXof }
  })
}

export function sumOf(parts: readonly Sum[]): Sum {
  let energyWh = 0
  let amountXof = 0
  for (const part of parts) {
    energyWh += part.energyWh
    amountXof += part.amountXof
  }
  return { energyWh, amountXof }
}

/** What a kWh cost all in all, to the centime; null where no energy was bought. */
export function averagePrice({ energyWh, amountXof }: Sum): number | null {
  return energyWh > 0 ? Math.round((amountXof * 100_000) / energyWh) / 100 : null
}

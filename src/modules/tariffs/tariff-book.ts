import { addYears, type Day } from '#src/core/calendar.ts'
import { tariffErrors } from './errors.ts'
import type { BillingMode, Tariff, TariffClass } from './tariff.ts'

/** Prices are set for years, yet nobody knows them for longer than this ahead. */
const KNOWN_AHEAD_YEARS = 1

/** Every tariff that is known, by class, billing mode and day. */
export class TariffBook {
  readonly #newestFirst: readonly Tariff[]

  constructor(tariffs: readonly Tariff[]) {
    this.#newestFirst = tariffs.toSorted((a, b) => (a.validFrom < b.validFrom ? 1 : -1))
  }

  /** The tariff of a day, or of today's for a day soon to come. Throws `tariffs/unknown-tariff` where none is known. */
  at(tariffClass: TariffClass, mode: BillingMode, day: Day, today: Day): Tariff {
    const ofClass = this.#newestFirst.filter((tariff) => tariff.class === tariffClass && tariff.mode === mode)
    const found = ofClass.find((tariff) => tariff.validFrom <= day)
    const lastDay = addYears(today, KNOWN_AHEAD_YEARS)
    if (found === undefined || day > lastDay) {
      const known = { known_from: ofClass.at(-1)?.validFrom, known_to: lastDay }
      throw tariffErrors.unknownTariff({ details: { class: tariffClass, mode, at: day, ...known } })
    }
    return found
  }
}

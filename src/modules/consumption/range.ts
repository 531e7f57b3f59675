import { addDays, addYears, type Day, dayOf, firstOfMonth } from '#src/core/calendar.ts'
import type { Clock } from '#src/core/clock.ts'
import { consumptionErrors } from './errors.ts'

/** Days of Africa/Dakar; `to` is exclusive. */
export interface DayRange {
  readonly from: Day
  readonly to: Day
}

const MAX_YEARS = 10
/** Nothing of the sources is older; the later bound keeps years at four digits. */
const FIRST_DAY = '1990-01-01'
const LAST_TO = '2100-01-01'
const FULL_MONTHS_BEFORE = 12

/**
 * The range that is answered: by default the last 12 full months and the current one. With `to` alone it ends there
 * and begins as many months before; with `from` alone it ends with the current month.
 */
export function resolveRange(asked: { readonly from?: Day; readonly to?: Day }, today: Day): DayRange {
  const to = asked.to ?? firstOfMonth(today, 1)
  if (to > LAST_TO || to < FIRST_DAY) throw consumptionErrors.rangeOutOfReach()
  const from = asked.from ?? firstOfMonth(addDays(to, -1), -FULL_MONTHS_BEFORE)
  if (from < FIRST_DAY) throw consumptionErrors.rangeOutOfReach()
  if (from >= to) throw consumptionErrors.emptyRange({ details: { from, to } })
  if (to > addYears(from, MAX_YEARS)) throw consumptionErrors.rangeTooLong({ details: { from, to } })
  return { from, to }
}

const DAY_MS = 86_400_000

/** `resolveRange` by the clock. The default is computed once a day: it was a tenth of what a kept answer costs us. */
export function rangeResolver(clock: Clock): (asked: { readonly from?: Day; readonly to?: Day }) => DayRange {
  let defaultDay = Number.NaN
  let defaultRange: DayRange | undefined
  return (asked) => {
    const now = clock()
    if (asked.from !== undefined || asked.to !== undefined) return resolveRange(asked, dayOf(now))
    const day = Math.floor(now / DAY_MS)
    if (defaultRange === undefined || day !== defaultDay) {
      defaultRange = resolveRange({}, dayOf(now))
      defaultDay = day
    }
    return defaultRange
  }
}

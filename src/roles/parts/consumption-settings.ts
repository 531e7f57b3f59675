import { type Config, ConfigRefused } from '#src/config/load.ts'
import type { RefreshOptions } from '#src/modules/consumption/background-refresh.ts'
import { parseRefreshHours } from '#src/modules/consumption/refresh-hours.ts'

export interface ConsumptionSettings {
  readonly keptYears: number
  /** Undefined when meters are read only when somebody looks. */
  readonly refresh: RefreshOptions | undefined
}

/** What the settings say of how consumption is kept and refreshed. Throws ConfigRefused. */
export function consumptionSettings(config: Config): ConsumptionSettings {
  return { keptYears: Number(config.CONSUMPTION_KEPT_YEARS), refresh: refreshOptions(config) }
}

function refreshOptions(config: Config): RefreshOptions | undefined {
  const text = config.CONSUMPTION_REFRESH_HOURS ?? 'off'
  if (text === 'off') return undefined
  const hours = parseRefreshHours(text)
  if (hours === undefined)
    throw new ConfigRefused(['CONSUMPTION_REFRESH_HOURS is neither off nor hours like 01:00-05:00'])
  return { hours, metersPerMinute: Number(config.CONSUMPTION_REFRESH_PER_MINUTE) }
}

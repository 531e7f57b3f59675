import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import type { DependencyState } from '#src/http/health.ts'
import { BackgroundRefresh } from '#src/modules/consumption/background-refresh.ts'
import { keptYearsUpkeep } from '#src/modules/consumption/kept-years.ts'
import type { MeterReadings } from '#src/modules/consumption/meter-readings.ts'
import type { ConsumptionMetrics } from './consumption-metrics.ts'
import type { ConsumptionSettings } from './consumption-settings.ts'

export interface ConsumptionUpkeepParts extends Pick<ConsumptionMetrics, 'onOutcome'> {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
  readonly consumption: ConsumptionSettings
  readonly readings: MeterReadings
  /** Whether each source was answering when it was last asked. */
  readonly states: () => Readonly<Record<'sic' | 'postpaid', DependencyState>>
}

const SOURCE_OF = { prepaid: 'sic', postpaid: 'postpaid' } as const

/** What an API process does for consumption beside its requests: only there the sources can be reached. */
export function startConsumptionUpkeep(parts: ConsumptionUpkeepParts, opened: CloseStack): void {
  const { keptYears, refresh } = parts.consumption
  opened.add('upkeep of consumption', keptYearsUpkeep({ ...parts, keptYears }))
  const kinds = (['prepaid', 'postpaid'] as const).filter(
    (kind) => parts.states()[SOURCE_OF[kind]] !== 'not_configured',
  )
  if (refresh === undefined || kinds.length === 0) return
  const isAnswering = (kind: 'prepaid' | 'postpaid'): boolean => parts.states()[SOURCE_OF[kind]] === 'ok'
  opened.add('refresh of consumption', new BackgroundRefresh({ ...parts, ...refresh, kinds, isAnswering }))
}

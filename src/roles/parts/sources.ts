import { guardedPostpaidSource, guardedPrepaidSource, SourceGuard } from '#src/adapters/meter-source/guarded-source.ts'
import type { SqlServerOptions } from '#src/adapters/meter-source/sqlserver/options.ts'
import { sqlServerPostpaidSource } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { sqlServerPrepaidSource } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import type { Clock } from '#src/core/clock.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { DependencyState } from '#src/http/health.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'

export interface Sources {
  readonly prepaid: PrepaidSource
  readonly postpaid: PostpaidSource
  /** Whether each was answering when it was last asked. */
  readonly states: () => Readonly<Record<'sic' | 'postpaid', DependencyState>>
}

/** One failure is enough: with a known state of the data to fall back on, nobody else should wait for the timeout. */
const GUARD = { failuresToOpen: 1, pauseMs: 5_000, concurrent: 8, waitTimeoutMs: 2_000 }

/** The utility's two databases, each behind a circuit breaker and a bulkhead of its own. */
export function openSources(
  sic: SqlServerOptions,
  postpaid: SqlServerOptions,
  clock: Clock,
  opened: CloseStack,
): Sources {
  const guards = { sic: new SourceGuard({ ...GUARD, clock }), postpaid: new SourceGuard({ ...GUARD, clock }) }
  const sources = {
    prepaid: opened.use('sic', guardedPrepaidSource(sqlServerPrepaidSource(sic), guards.sic)),
    postpaid: opened.use('postpaid', guardedPostpaidSource(sqlServerPostpaidSource(postpaid), guards.postpaid)),
  }
  const stateOf = (guard: SourceGuard): DependencyState => (guard.state === 'closed' ? 'ok' : 'unavailable')
  return { ...sources, states: () => ({ sic: stateOf(guards.sic), postpaid: stateOf(guards.postpaid) }) }
}

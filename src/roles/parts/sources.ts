import { guardedPostpaidSource, guardedPrepaidSource, SourceGuard } from '#src/adapters/meter-source/guarded-source.ts'
import type { SqlServerOptions } from '#src/adapters/meter-source/sqlserver/options.ts'
import { sqlServerPostpaidSource } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { sqlServerPrepaidSource } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import type { SqlServerAddress } from '#src/adapters/meter-source/sqlserver/url.ts'
import type { Clock } from '#src/core/clock.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { DependencyState } from '#src/http/health.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'

export interface SourceLogin {
  readonly address: SqlServerAddress
  readonly password: string
}

export interface Sources {
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  /** Whether each was answering when it was last asked. */
  readonly states: () => Readonly<Record<'sic' | 'postpaid', DependencyState>>
}

/** One failure is enough: with a known state of the data to fall back on, nobody else should wait for the timeout. */
const GUARD = { failuresToOpen: 1, pauseMs: 5_000, concurrent: 8, waitTimeoutMs: 2_000 }
/** Within the time that a request has for its sources. */
const LIMITS = { connectTimeoutMs: 2_000, queryTimeoutMs: 3_000, poolMax: 8 }

/** The utility's two databases, each behind a circuit breaker and a bulkhead of its own. */
export function openSources(
  logins: { sic: SourceLogin | undefined; postpaid: SourceLogin | undefined },
  clock: Clock,
  opened: CloseStack,
): Sources {
  const guards = { sic: new SourceGuard({ ...GUARD, clock }), postpaid: new SourceGuard({ ...GUARD, clock }) }
  const prepaid = optionsOf(logins.sic, sqlServerPrepaidSource)
  const postpaid = optionsOf(logins.postpaid, sqlServerPostpaidSource)
  return {
    prepaid: prepaid && opened.use('sic', guardedPrepaidSource(prepaid, guards.sic)),
    postpaid: postpaid && opened.use('postpaid', guardedPostpaidSource(postpaid, guards.postpaid)),
    states: () => ({ sic: stateOf(prepaid, guards.sic), postpaid: stateOf(postpaid, guards.postpaid) }),
  }
}

function optionsOf<T>(login: SourceLogin | undefined, open: (options: SqlServerOptions) => T): T | undefined {
  return login && open({ ...login.address, password: login.password, ...LIMITS })
}

function stateOf(source: object | undefined, guard: SourceGuard): DependencyState {
  if (source === undefined) return 'not_configured'
  return guard.state === 'closed' ? 'ok' : 'unavailable'
}

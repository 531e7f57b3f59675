import {
  guardedCustomerSource,
  guardedMeterRegister,
  guardedPostpaidSource,
  guardedPrepaidSource,
  SourceGuard,
} from '#src/adapters/meter-source/guarded-source.ts'
import { sqlServerCustomerSource } from '#src/adapters/meter-source/sqlserver/customer-source.ts'
import { sqlServerMeterRegister } from '#src/adapters/meter-source/sqlserver/meter-register.ts'
import type { SqlServerOptions } from '#src/adapters/meter-source/sqlserver/options.ts'
import { sqlServerPostpaidSource } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { sqlServerPrepaidSource } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import type { SqlServerAddress } from '#src/adapters/meter-source/sqlserver/url.ts'
import type { SteadyClock } from '#src/core/clock.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { DependencyState } from '#src/http/health.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import type { MeterRegister } from '#src/ports/meter-register.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'

export type SourceName = 'sic' | 'postpaid' | 'bi_ods'

export interface SourceLogin {
  readonly address: SqlServerAddress
  readonly password: string
  /** PEM of the only authorities trusted for the server and for an https proxy; without it, the system's. */
  readonly certificateAuthority?: string
  /** The HTTP proxy on the way there, if any; may carry `user:password@`. */
  readonly proxyUrl?: URL
}

export interface Sources {
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  readonly customers: CustomerSource | undefined
  readonly register: MeterRegister | undefined
  /** Whether each was answering when it was last asked. */
  readonly states: () => Readonly<Record<SourceName, DependencyState>>
}

/**
 * One failure is enough: with a known state of the data to fall back on, nobody else should wait for the timeout. The
 * pause is short, since with the probe before it and the seconds that a stale answer is kept after it, it is how long
 * the source's return goes unseen: ten seconds at most.
 */
const GUARD = { failuresToOpen: 1, pauseMs: 3_000, concurrent: 8, waitTimeoutMs: 2_000 }
/** Within the time that a request has for its sources. */
const LIMITS = { connectTimeoutMs: 2_000, queryTimeoutMs: 3_000, poolMax: 8 }
/** Beside the sales in the same database: looking meters up must not hold readings up, nor take many connections. */
const REGISTER_CONCURRENT = 2

/** The utility's databases, each behind a circuit breaker and a bulkhead of its own. */
export function openSources(
  logins: Readonly<Record<SourceName, SourceLogin | undefined>>,
  clock: SteadyClock,
  opened: CloseStack,
): Sources {
  const guard = (): SourceGuard => new SourceGuard({ ...GUARD, clock })
  const guards = { sic: guard(), postpaid: guard(), bi_ods: guard() }
  const prepaid = optionsOf(logins.sic, sqlServerPrepaidSource)
  const postpaid = optionsOf(logins.postpaid, sqlServerPostpaidSource)
  const customers = optionsOf(logins.bi_ods, sqlServerCustomerSource)
  const register = optionsOf(logins.sic, (options) =>
    sqlServerMeterRegister({ ...options, poolMax: REGISTER_CONCURRENT }),
  )
  const registerGuard = new SourceGuard({ ...GUARD, concurrent: REGISTER_CONCURRENT, clock })
  return {
    prepaid: prepaid && opened.use('sic', guardedPrepaidSource(prepaid, guards.sic)),
    postpaid: postpaid && opened.use('postpaid', guardedPostpaidSource(postpaid, guards.postpaid)),
    customers: customers && opened.use('bi_ods', guardedCustomerSource(customers, guards.bi_ods)),
    register: register && opened.use('register of meters', guardedMeterRegister(register, registerGuard)),
    states: () => ({
      sic: stateOf(prepaid, guards.sic),
      postpaid: stateOf(postpaid, guards.postpaid),
      bi_ods: stateOf(customers, guards.bi_ods),
    }),
  }
}

function optionsOf<T>(login: SourceLogin | undefined, open: (options: SqlServerOptions) => T): T | undefined {
  if (login === undefined) return undefined
  const { address, ...access } = login
  return open({ ...address, ...access, ...LIMITS })
}

function stateOf(source: object | undefined, guard: SourceGuard): DependencyState {
  if (source === undefined) return 'not_configured'
  return guard.state === 'closed' ? 'ok' : 'unavailable'
}

import type { Database } from '#src/database/database.ts'
import type { DependencyState, Readiness } from '#src/http/health.ts'

const PING_LIMIT_MS = 2_000

/** Ready is who has PostgreSQL; of the others it is said how they are, since requests are answered without them. */
export function readinessOf(
  phase: Readiness['phase'],
  database: Database,
  others: () => Readonly<Record<string, DependencyState>>,
): Readiness {
  return {
    phase,
    required: ['database'],
    dependencies: async () => ({ database: await pinged(database), ...others() }),
  }
}

async function pinged(database: Database): Promise<DependencyState> {
  try {
    await database.ping(PING_LIMIT_MS)
    return 'ok'
  } catch {
    return 'unavailable'
  }
}

export function availability(isThere: boolean): DependencyState {
  return isThere ? 'ok' : 'unavailable'
}

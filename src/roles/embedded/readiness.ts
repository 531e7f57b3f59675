import type { Database } from '#src/database/database.ts'
import type { DependencyState, Readiness } from '#src/http/health.ts'
import type { Sources } from '#src/roles/parts/sources.ts'

const PING_LIMIT_MS = 2_000

/** Broker and cache are inside the process: they are there as long as it is. */
export function embeddedReadiness(phase: Readiness['phase'], database: Database, sources: Sources): Readiness {
  return {
    phase,
    required: ['database'],
    dependencies: async () => ({
      database: await database.ping(PING_LIMIT_MS).then(
        (): DependencyState => 'ok',
        (): DependencyState => 'unavailable',
      ),
      broker: 'ok',
      cache: 'ok',
      ...sources.states(),
    }),
  }
}

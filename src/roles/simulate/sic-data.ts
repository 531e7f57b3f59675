import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { fillDemoSources } from '#src/simulators/sic/data/demo-sources.ts'
import { loadSourceCsv } from '#src/simulators/sic/data/load-csv.ts'

const MONTHS_OF_HISTORY = 36

export interface SourceDataOptions {
  readonly databaseUrl: string
  /** CSV exports to load; undefined for made-up data. */
  readonly dataDir: string | undefined
  readonly seed: string
}

/** Makes the sources' tables and fills them: with real exports, or with the demo world up to this moment. */
export async function fillSources({ databaseUrl, dataDir, seed }: SourceDataOptions): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    if (dataDir === undefined) await fillDemoSources(db, { seed, until: new Date(), months: MONTHS_OF_HISTORY })
    else await loadSourceCsv(db, dataDir)
  } finally {
    await db.destroy()
  }
}

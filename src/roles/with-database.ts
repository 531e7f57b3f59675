import { type Env, loadConfig } from '#src/config/load.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Db, openDatabase } from '#src/database/database.ts'
import { Refusal } from './command.ts'
import { runningDatabaseUrl } from './embedded/home.ts'

/** The database of the settings, or else that of the embedded system that runs in SAMACONSO_HOME. */
export async function directDatabaseUrl(env: Env): Promise<string> {
  const config = loadConfig('create', env)
  const url = config.DATABASE_DIRECT_URL ?? (await runningDatabaseUrl(config.SAMACONSO_HOME ?? ''))
  if (url !== undefined) return url
  throw new Refusal('no database: set DATABASE_DIRECT_URL, or start the embedded system first (npm start)')
}

/** Runs `work` on that database. */
export async function withDatabase<T>(env: Env, work: (db: Db) => Promise<T>): Promise<T> {
  const url = await directDatabaseUrl(env)
  const log = createLogger(loadConfig('create', env).LOG_LEVEL ?? 'info')
  const database = openDatabase({ url, log, maxConnections: 1 })
  try {
    return await work(database.db)
  } finally {
    await database.close()
  }
}

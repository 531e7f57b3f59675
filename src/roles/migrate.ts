import { type Env, loadConfig } from '#src/config/load.ts'
import { migrate } from '#src/database/migrate.ts'

export async function run(_args: readonly string[], env: Env): Promise<number> {
  const config = loadConfig('migrate', env)
  const applied = await migrate(config.DATABASE_DIRECT_URL ?? '')
  process.stdout.write(applied.length === 0 ? 'nothing to apply\n' : `applied ${applied.join(', ')}\n`)
  return 0
}

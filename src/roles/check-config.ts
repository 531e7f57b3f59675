import { type Env, loadConfig } from '#src/config/load.ts'
import { ROLES } from '#src/config/settings.ts'
import { Refusal } from './command.ts'

export async function run(args: readonly string[], env: Env): Promise<number> {
  const role = ROLES.find((candidate) => candidate === args[0])
  if (role === undefined || args.length > 1) throw new Refusal(`check-config takes one of ${ROLES.join(', ')}`)
  loadConfig(role, env)
  process.stdout.write(`the settings of ${role} are in order\n`)
  return 0
}

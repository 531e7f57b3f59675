import { environment } from '#src/config/environment.ts'
import { ConfigRefused } from '#src/config/load.ts'
import { AppError } from '#src/core/errors.ts'
import { MigrationRefused } from '#src/database/migrate.ts'
import { PostgresEngineError } from '#src/postgres-engine/errors.ts'
import { Refusal } from '#src/roles/command.ts'
import { COMMANDS, helpText } from '#src/roles/commands.ts'

/** Failures that whoever typed the command can mend: told in a sentence. Anything else is a bug, with its stack. */
const EXPECTED = [Refusal, ConfigRefused, MigrationRefused, PostgresEngineError]

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(helpText())
    return name === undefined ? 1 : 0
  }
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) throw new Refusal(`there is no command ${name}: --help lists them`)
  const { run } = await command.load()
  return run(rest, environment)
}

function explain(error: unknown): string {
  if (error instanceof AppError) return error.text.en
  if (EXPECTED.some((expected) => error instanceof expected)) return (error as Error).message
  if (isParseArgsError(error)) return `${error.message.split('. ')[0]}: --help shows the usage`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`samaconso: ${explain(error)}\n`)
  process.exitCode = 1
}

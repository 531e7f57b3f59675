import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { Refusal } from '#src/roles/command.ts'
import { stopSignal } from '#src/roles/stop-signal.ts'
import { CsvLoadError } from '#src/simulators/sic/data/load-csv.ts'
import { type SicServer, startSicServer } from '#src/simulators/sic/server.ts'
import { portArgument } from './port-argument.ts'
import { fillSources } from './sic-data.ts'
import { temporaryPostgres } from './temporary-postgres.ts'

const ENCRYPTIONS = ['off', 'login', 'all'] as const
const LOGIN = 'samaconso_read'
/** Known on purpose: the simulator listens on loopback and holds nothing but made-up people. */
const DEMO_PASSWORD = 'Lecture-Seule-2026'

const HELP = `Usage: simulate sic --port P [--control-port P] [--data DIR] [--seed TEXT] [--encryption off|login|all]
                    [--password-file FILE] [--database-url-file FILE]

The utility's SQL Servers on 127.0.0.1: databases SIC, HISTH2MC and BI_ODS over TDS 7.4.
  --port P                  of the SQL Server protocol; 0 takes a free one
  --control-port P          of the control routes (GET and PUT /faults, GET and DELETE /statements); 0 takes a free one
  --data DIR                load DIR/<table>.csv, with the sources' own column names, instead of made-up data
  --seed TEXT               the made-up data are the same for the same seed
  --encryption MODE         what clients are offered; all by default
  --password-file FILE      the password of ${LOGIN}; without it ${DEMO_PASSWORD}
  --database-url-file FILE  keep the tables in the PostgreSQL that FILE names, instead of a temporary one
`

const OPTIONS = {
  port: { type: 'string' },
  'control-port': { type: 'string', default: '0' },
  data: { type: 'string' },
  seed: { type: 'string', default: 'demo' },
  encryption: { type: 'string', default: 'all' },
  'password-file': { type: 'string' },
  'database-url-file': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const encryption = ENCRYPTIONS.find((mode) => mode === values.encryption)
  if (encryption === undefined) throw new Refusal(`--encryption takes one of ${ENCRYPTIONS.join(', ')}`)
  const port = portArgument('--port', values.port)
  const controlPort = portArgument('--control-port', values['control-port'])
  const stopped = stopSignal()
  const log = createLogger('info', process.stderr)
  const opened = new CloseStack(log)
  try {
    const databaseUrl = await readOr(values['database-url-file'], () => temporaryPostgres(log, opened))
    await fillSources({ databaseUrl, dataDir: values.data, seed: values.seed }).catch(refuseCsv)
    const password = await readOr(values['password-file'], async () => DEMO_PASSWORD)
    const options = { host: '127.0.0.1', port, controlPort, databaseUrl, login: LOGIN, password, encryption, log }
    const server = opened.add('sic server', await startSicServer(options))
    process.stdout.write(readyMessage(server, values['password-file'] === undefined))
    await stopped
    return 0
  } finally {
    await opened.close()
  }
}

function readyMessage({ port, controlPort }: SicServer, isDemoPassword: boolean): string {
  return [
    `simulator sic ready on 127.0.0.1:${port}`,
    `  login      ${LOGIN}`,
    `  password   ${isDemoPassword ? DEMO_PASSWORD : 'the one of --password-file'}`,
    `  databases  SIC, HISTH2MC, BI_ODS`,
    `  control    http://127.0.0.1:${controlPort}`,
    '',
  ].join('\n')
}

async function readOr(path: string | undefined, otherwise: () => Promise<string>): Promise<string> {
  return path === undefined ? otherwise() : (await readFile(path, 'utf8')).trim()
}

function refuseCsv(error: unknown): never {
  if (error instanceof CsvLoadError) throw new Refusal(error.message, { cause: error })
  throw error
}

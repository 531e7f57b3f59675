import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type ProgramOptions, type StartedProgram, startProgram } from '#test/support/processes.ts'

const HOLDER = join(import.meta.dirname, 'fixtures/engine-holder.ts')

export interface HeldEngine {
  readonly url: string
  readonly port: number
  readonly pid: number
}

/** A temporary folder that goes with the test. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'samaconso-engine-')))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A process of its own that holds an engine, so that it can be killed. `prefix` are words before the program. */
export function holdEngine(
  dataDir: string,
  { prefix = [], port = 0, ...options }: ProgramOptions & { prefix?: readonly string[]; port?: number } = {},
): StartedProgram {
  return startProgram([...prefix, process.execPath, HOLDER, dataDir, String(port)], options)
}

export async function whenUp(holder: StartedProgram): Promise<HeldEngine> {
  const [, facts = ''] = await holder.line(/^up (.*)$/)
  return JSON.parse(facts) as HeldEngine
}

/** Runs one statement on a connection of its own. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement)
    return rows
  } finally {
    await client.end()
  }
}

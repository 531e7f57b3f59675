import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { unlinkSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startWatched } from '#src/processes/watched-process.ts'
import { POSTGRES_MAJOR } from './binaries.ts'
import { ENGINE_ENV, type EngineUser } from './engine-user.ts'
import { explainFailure, explainFileError, PostgresEngineError } from './errors.ts'

/** @throws PostgresEngineError when the folder holds something that this PostgreSQL must not touch */
export function hasDatabase(dataDir: string): boolean {
  try {
    if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return false
    const versionFile = join(dataDir, 'PG_VERSION')
    if (!existsSync(versionFile)) {
      const message = `${dataDir} is not empty and holds no PostgreSQL data: choose another folder or empty it`
      throw new PostgresEngineError('not_a_data_folder', message)
    }
    const version = readFileSync(versionFile, 'utf8').trim()
    if (version === POSTGRES_MAJOR) return true
    throw new PostgresEngineError(
      'other_version',
      `The database in ${dataDir} was made by PostgreSQL ${version}, and this program brings PostgreSQL ${POSTGRES_MAJOR}: ` +
        'start the program that made it, or choose another folder',
    )
  } catch (error) {
    throw error instanceof PostgresEngineError ? error : explainFileError(error, dataDir)
  }
}

export interface NewDatabase {
  readonly superuser: string
  readonly password: string
}

/** Makes the data folder beside its place and moves it there when it is whole: a start that was cut off leaves no half of one. */
export async function createDatabase(
  dataDir: string,
  as: EngineUser,
  { superuser, password }: NewDatabase,
): Promise<void> {
  const unfinished = `${dataDir}.new`
  try {
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished, { mode: 0o700 })
    if (as.user !== undefined) chownSync(unfinished, as.user.uid, as.user.gid)
    const passwordFile = openNamelessFile(`${password}\n`, as)
    try {
      // Text sorts by code point, the same on every machine, while upper and lower case still know accents.
      const withCase = await initdb(unfinished, as, superuser, passwordFile, 'C.UTF-8')
      if (withCase.code !== 0 && withCase.output.some((line) => line.includes('invalid locale'))) {
        await initdbOrFail(dataDir, await initdb(unfinished, as, superuser, passwordFile, 'C'))
      } else await initdbOrFail(dataDir, withCase)
    } finally {
      closeSync(passwordFile)
    }
    renameSync(unfinished, dataDir)
  } catch (error) {
    const explained = error instanceof PostgresEngineError ? error : explainFileError(error, dataDir)
    removeQuietly(unfinished)
    throw explained
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // The reason why it could not be made is also why it cannot be removed, and is what gets reported.
  }
}

interface Initdb {
  readonly code: number | null
  readonly output: readonly string[]
}

async function initdb(
  folder: string,
  as: EngineUser,
  superuser: string,
  passwordFile: number,
  ctype: string,
): Promise<Initdb> {
  const output: string[] = []
  const [command, ...args] = [
    ...as.prefix,
    join(as.binaries, 'bin', 'initdb'),
    `--pgdata=${folder}`,
    `--username=${superuser}`,
    '--pwfile=/dev/fd/4',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    `--lc-ctype=${ctype}`,
    '--data-checksums',
  ]
  const child = startWatched({
    command,
    args,
    env: ENGINE_ENV,
    cwd: '/',
    ...(as.user === undefined ? {} : { user: as.user }),
    passDescriptors: [passwordFile],
    stopSignals: ['SIGTERM'],
    graceMs: 2000,
    onLine: (line) => output.push(line),
  })
  return { code: (await child.exited).code, output }
}

async function initdbOrFail(dataDir: string, { code, output }: Initdb): Promise<void> {
  if (code !== 0) throw explainFailure(output, dataDir, 0)
}

/** A file that has lost its name before the secret is written: nothing of it can be left behind, whenever we are killed. */
function openNamelessFile(content: string, as: EngineUser): number {
  const path = join(tmpdir(), `samaconso-${randomUUID()}`)
  const file = openSync(path, 'wx+', 0o600)
  if (as.user !== undefined) chownSync(path, as.user.uid, as.user.gid)
  unlinkSync(path)
  writeSync(file, content, 0)
  return file
}

/** Makes the folder above the data folder, and says in words why it cannot. */
export function prepareParent(dataDir: string): void {
  try {
    mkdirSync(dirname(dataDir), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw explainFileError(error, dirname(dataDir))
  }
}

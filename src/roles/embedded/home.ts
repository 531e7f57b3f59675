import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Closeable } from '#src/core/lifecycle.ts'
import { FolderInUse, lockFolder } from '#src/processes/folder-lock.ts'
import { Refusal } from '#src/roles/command.ts'

/** What the embedded system keeps in SAMACONSO_HOME: one folder or file each. */
export function homePaths(home: string) {
  return {
    secrets: join(home, 'secrets.json'),
    /** The database's address while the system runs, for the commands that are typed beside it. */
    running: join(home, 'running.json'),
    postgres: join(home, 'postgres'),
    fcm: join(home, 'fcm-simulator'),
    /** What the SIC simulator is told by file, as arguments show in the list of processes. */
    sicDatabaseUrl: join(home, 'sic-simulator-database-url'),
    sicPassword: join(home, 'sic-simulator-password'),
  }
}

/** Makes the folder where it is missing and holds it alone until `lock` is closed. */
export async function openHome(path: string): Promise<{ home: string; lock: Closeable }> {
  const home = resolve(path)
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    // Also where it was there before: it holds the secrets.
    await chmod(home, 0o700)
    return { home, lock: await lockFolder(home, 'samaconso home') }
  } catch (error) {
    if (error instanceof FolderInUse) {
      throw new Refusal(
        `SamaConso is already running on the data in ${home}${error.pid === undefined ? '' : ` (process ${error.pid})`}`,
      )
    }
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new Refusal(
      `the data folder ${home} cannot be used (${code}): set SAMACONSO_HOME to a folder that you may write to`,
    )
  }
}

export interface Secrets {
  readonly jwtSecret: string
  readonly databasePassword: string
  readonly sourcePassword: string
}

/** Made at the first start and kept: tokens and the database outlive a restart. */
export async function loadSecrets(home: string): Promise<Secrets> {
  const path = homePaths(home).secrets
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Secrets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secret = (): string => randomBytes(32).toString('base64url')
  const secrets: Secrets = { jwtSecret: secret(), databasePassword: secret(), sourcePassword: secret() }
  await writePrivate(path, JSON.stringify(secrets))
  return secrets
}

/** Whole or not at all, and for our own eyes. */
export async function writePrivate(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** The database of a running embedded system; undefined when none has been started in this folder. */
export async function runningDatabaseUrl(home: string): Promise<string | undefined> {
  try {
    const { databaseUrl } = JSON.parse(await readFile(homePaths(home).running, 'utf8')) as { databaseUrl?: unknown }
    return typeof databaseUrl === 'string' ? databaseUrl : undefined
  } catch {
    return undefined
  }
}

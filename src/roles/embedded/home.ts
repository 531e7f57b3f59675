import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the embedded system keeps in SAMACONSO_HOME: one folder or file each. */
export function homePaths(home: string) {
  return {
    secrets: join(home, 'secrets.json'),
    /** The database's address while the system runs, for the commands that are typed beside it. */
    running: join(home, 'running.json'),
    postgres: join(home, 'postgres'),
    fcm: join(home, 'fcm-simulator'),
    sicDatabase: join(home, 'sic-simulator-database'),
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

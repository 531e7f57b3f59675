import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { PostgresEngineError } from './errors.ts'

/** How PostgreSQL is run: it refuses root, and initdb refuses a user without an entry in /etc/passwd. */
export interface EngineUser {
  /** Words that go before the program. */
  readonly prefix: readonly string[]
  /** Set when the program runs as somebody else, who must own the data folder. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** PostgreSQL's files where that user can read them. */
  readonly binaries: string
}

/** What a spawned program of PostgreSQL needs: nothing of our own environment. */
export const ENGINE_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export function chooseEngineUser(binaries: string, dataDir: string): EngineUser {
  const isRoot = process.getuid?.() === 0
  if (!isRoot && isKnownUser()) return { prefix: [], binaries }
  // Data made by another user is opened as that user; in a namespace it would look like a stranger's.
  const owner = statSync(dataDir, { throwIfNoEntry: false })
  if (isRoot && owner !== undefined && owner.uid !== 0) return asUser(owner, binaries, dataDir)

  const users = readUsers()
  const prefix = inNamespace(users)
  if (prefix !== undefined && runs([...prefix, join(binaries, 'bin', 'postgres'), '--version']))
    return { prefix, binaries }
  const standIn = users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody')
  if (isRoot && standIn !== undefined) return asUser(standIn, binaries, dataDir)
  throw new PostgresEngineError(
    'no_access',
    'PostgreSQL cannot run as this user: give it an entry in /etc/passwd, or allow user namespaces (unshare -U)',
  )
}

/**
 * In a user namespace we look like an ordinary user to PostgreSQL and stay who we are to the file system, so that data and
 * binaries may lie below a folder that only root can enter.
 */
function inNamespace(users: readonly PasswdEntry[]): readonly string[] | undefined {
  const user = users.find(({ uid }) => uid === 1000) ?? users.find(({ uid }) => uid !== 0)
  const prefix = ['unshare', '-U', `--map-user=${user?.uid ?? 1000}`, `--map-group=${user?.gid ?? 1000}`]
  return runs([...prefix, 'true']) ? prefix : undefined
}

/** Where namespaces are off, as in many containers: an unprivileged user of the machine, who needs a way to the files. */
function asUser({ uid, gid }: { uid: number; gid: number }, binaries: string, dataDir: string): EngineUser {
  const user = { uid, gid }
  const parent = dirname(dataDir)
  // The right to pass through, not to list: our own folders are made for root alone.
  if (statSync(parent).uid === 0) chmodSync(parent, (statSync(parent).mode & 0o7777) | 0o011)
  if (!runs(['sh', '-c', 'cd "$1"', 'sh', parent], user)) {
    throw new PostgresEngineError(
      'no_access',
      `PostgreSQL cannot run as root, and user ${uid}, who stands in for it, cannot enter ${parent}: ` +
        'allow that (chmod o+x on it and the folders above), start as an ordinary user, or allow user namespaces',
    )
  }
  const isReadable = runs([join(binaries, 'bin', 'postgres'), '--version'], user)
  return { prefix: [], user, binaries: isReadable ? binaries : copyBinaries(binaries, parent) }
}

function copyBinaries(binaries: string, parent: string): string {
  const { version } = JSON.parse(readFileSync(join(dirname(binaries), 'package.json'), 'utf8')) as { version: string }
  const copy = join(parent, `postgres-${version}`)
  if (existsSync(copy)) return copy
  const unfinished = join(parent, `${basename(copy)}.new`)
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(binaries, unfinished, { recursive: true, verbatimSymlinks: true })
  renameSync(unfinished, copy)
  return copy
}

function runs([program = '', ...args]: readonly string[], user: { uid?: number; gid?: number } = {}): boolean {
  return spawnSync(program, args, { ...user, env: ENGINE_ENV, cwd: '/', stdio: 'ignore' }).status === 0
}

function isKnownUser(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    return false
  }
}

function readUsers(): readonly PasswdEntry[] {
  if (!existsSync('/etc/passwd')) return []
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

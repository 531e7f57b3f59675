import { execFile } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The engines' own benchmark programs, in C, as peers of our clients. */

const run = promisify(execFile)
const PGBENCH = '/usr/lib/postgresql/15/bin/pgbench'
const REDIS_BENCHMARK = '/usr/bin/redis-benchmark'

/** Lookups of an account by key per second; undefined where the program is not installed. */
export function pgbench(
  url: string,
  { accountId, ...how }: { connections: number; seconds: number; accountId: string },
): Promise<number | undefined> {
  return pgbenchScripts(url, { ...how, scripts: [`select * from account where id = '${accountId}';`] })
}

/** How often per second a script is run whole, each time any of these; undefined where the program is not installed. */
export async function pgbenchScripts(
  url: string,
  { connections, seconds, scripts }: { connections: number; seconds: number; scripts: readonly string[] },
): Promise<number | undefined> {
  if (!isThere(PGBENCH)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-pgbench-'))
  try {
    const files = scripts.map((script, place) => {
      const file = join(folder, `${place}.sql`)
      writeFileSync(file, `${script}\n`)
      return ['-f', file]
    })
    const { hostname, port, username, password, pathname } = new URL(url)
    const where = ['-h', hostname, '-p', port, '-U', username, pathname.slice(1)]
    // Unnamed prepared statements, as pg sends them.
    const how = ['-n', '-M', 'extended', '-c', String(connections), '-T', String(seconds), ...files.flat()]
    const env = { PATH: process.env['PATH'], PGPASSWORD: decodeURIComponent(password) }
    const { stdout } = await run(PGBENCH, [...how, ...where], { env })
    return Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Operations per second with so many at a time over one connection, or with a connection for each. */
export async function redisBenchmark(
  url: string,
  { kind, atATime, over, requests }: { kind: 'get' | 'set'; atATime: number; over: 'one' | 'many'; requests: number },
): Promise<number | undefined> {
  if (!isThere(REDIS_BENCHMARK)) return undefined
  const { hostname, port, password } = new URL(url)
  const where = ['-h', hostname, '-p', port, '-a', password]
  const how = over === 'one' ? ['-c', '1', '-P', String(atATime)] : ['-c', String(atATime)]
  const what = ['-t', kind, '-n', String(requests), '-d', '100', '--csv']
  const { stdout } = await run(REDIS_BENCHMARK, [...where, ...how, ...what])
  return Number(/^"(?:GET|SET)","([\d.]+)"/m.exec(stdout)?.[1])
}

function isThere(program: string): boolean {
  try {
    accessSync(program, constants.X_OK)
    return true
  } catch {
    return false
  }
}

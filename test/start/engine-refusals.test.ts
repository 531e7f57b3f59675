import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { findBinaries } from '#src/postgres-engine/binaries.ts'
import { asOrdinaryUser, isRoot, type StartedProgram } from '#test/support/processes.ts'
import { holdEngine, temporaryFolder, whenUp } from './engine-support.ts'

async function refusal(holder: StartedProgram): Promise<string> {
  const { code } = await holder.exited
  assert.equal(code, 1, holder.output.stdout)
  const lines = holder.output.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 1, holder.output.stderr)
  return lines[0] ?? ''
}

test('a second start on the same data names who has it, also by another path', async () => {
  using folder = temporaryFolder()
  await using first = holdEngine(join(folder.path, 'postgres'))
  await whenUp(first)
  await using second = holdEngine(join(folder.path, '..', folder.path.split('/').at(-1) ?? '', 'postgres'))
  assert.match(await refusal(second), new RegExp(`postgres is in use by process ${first.pid}$`))
  first.signal('SIGTERM')
  assert.equal((await first.exited).code, 0)
})

test('data of another PostgreSQL is left alone', async () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'PG_VERSION'), '16\n')
  await using holder = holdEngine(folder.path)
  assert.match(await refusal(holder), /was made by PostgreSQL 16, and this program brings PostgreSQL 15/)
  assert.deepEqual(readdirSync(folder.path), ['PG_VERSION'])
})

test("a folder with somebody's files is left alone", async () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'thesis.txt'), 'years of work')
  await using holder = holdEngine(folder.path)
  assert.match(await refusal(holder), /is not empty and holds no PostgreSQL data/)
  assert.deepEqual(readdirSync(folder.path), ['thesis.txt'])
})

test('an unwritable folder is named', async () => {
  using folder = temporaryFolder()
  const closed = join(folder.path, 'closed')
  mkdirSync(closed)
  chmodSync(folder.path, 0o755)
  chmodSync(closed, 0o555)
  const { prefix, options } = asOrdinaryUser()
  // In a namespace root keeps its power over its own files: there the folder is one that nobody can write to.
  const readOnly = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
    closed,
  ]
  await using holder = holdEngine(join(closed, 'postgres'), { prefix: prefix.length > 0 ? readOnly : [], ...options })
  assert.match(await refusal(holder), /^The database folder .*closed\S* cannot be written: check who owns it/)
})

test('a taken port is named', async () => {
  using folder = temporaryFolder()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = other.address() as { port: number }
    await using holder = holdEngine(join(folder.path, 'postgres'), { port })
    assert.equal(await refusal(holder), `Port ${port} is taken: the embedded PostgreSQL cannot listen on it`)
  } finally {
    other.close()
  }
})

test('a machine without binaries hears what is supported', () => {
  assert.throws(
    () => findBinaries('sunos-sparc'),
    /no embedded PostgreSQL for sunos-sparc: it runs on linux-x64 and linux-arm64/,
  )
})

/** A small disk of the test's own, seen by the program alone: in a mount namespace, which root and most users may make. */
function onSmallDisk(folder: string, mebibytes: number, before = 'true'): string[] {
  const script = `mount -t tmpfs -o size=${mebibytes}m small "$0" && ${before} && exec "$@"`
  return ['unshare', '--mount', ...(isRoot ? [] : ['--user', '--map-root-user']), 'sh', '-c', script, folder]
}

test('a first start without room says which folder and how much is free', async () => {
  using folder = temporaryFolder()
  await using holder = holdEngine(join(folder.path, 'postgres'), { prefix: onSmallDisk(folder.path, 12) })
  assert.match(await refusal(holder), /^No disk space is left for the database in .*postgres \(\d+ MiB free there\)$/)
})

test('a later start without room says so too, and starts again once there is some', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  const node = process.execPath
  const holder = join(import.meta.dirname, 'fixtures/engine-holder.ts')
  // First start; fill the disk; refused start; make room; last start.
  const script = `
    : > "${folder.path}/said"
    "${node}" "${holder}" "${dataDir}" >> "${folder.path}/said" & first=$!
    until grep -q ^up "${folder.path}/said"; do kill -0 "$first" || exit 2; sleep 0.05; done
    kill "$first"; wait "$first" || exit 3
    cat /dev/zero > "${folder.path}/filler" 2>/dev/null
    "${node}" "${holder}" "${dataDir}" && exit 4
    rm "${folder.path}/filler"`
  await using last = holdEngine(dataDir, { prefix: onSmallDisk(folder.path, 96, `{ ${script}\n}`) })
  await whenUp(last)
  assert.match(last.output.stderr, /^No disk space is left for the database in .*postgres \(0 MiB free there\)\n$/)
  last.signal('SIGTERM')
  assert.equal((await last.exited).code, 0)
})

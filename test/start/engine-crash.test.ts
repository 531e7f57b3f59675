import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive, processesIn, trySignal, until, watcherOf } from '#test/support/processes.ts'
import { ask, holdEngine, temporaryFolder, whenUp } from './engine-support.ts'

test('the engine ends by itself when its program is killed', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using holder = holdEngine(dataDir)
  const { pid } = await whenUp(holder)
  const watcher = watcherOf(pid)
  assert.ok(watcher !== undefined)
  holder.signal('SIGKILL')
  await until('postgres has ended', () => !isAlive(pid))
  await until('the watcher has ended', () => !isAlive(watcher))
  assert.deepEqual(processesIn(dataDir), [])
})

test('a start right after kill -9 waits for the old engine and finds what was committed', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using killed = holdEngine(dataDir)
  const { url } = await whenUp(killed)
  await ask(url, 'create table kept as select 7 as seven')
  killed.signal('SIGKILL')
  await killed.exited
  await using next = holdEngine(dataDir)
  assert.deepEqual(await ask((await whenUp(next)).url, 'select * from kept'), [{ seven: 7 }])
  next.signal('SIGTERM')
  await next.exited
})

test('an engine whose program and watcher were both killed is stopped by the next start', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using killed = holdEngine(dataDir)
  const old = await whenUp(killed)
  trySignal(watcherOf(old.pid) ?? 0, 'SIGKILL')
  killed.signal('SIGKILL')
  await killed.exited
  assert.ok(isAlive(old.pid), 'without its watcher the engine runs on')
  await using next = holdEngine(dataDir)
  const now = await whenUp(next)
  assert.ok(!isAlive(old.pid))
  assert.equal((await ask(now.url, 'select 1')).length, 1)
  next.signal('SIGTERM')
  await next.exited
})

test('all of it killed at once, backends in mid-query too, does not block the next start', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using killed = holdEngine(dataDir)
  const { url, pid } = await whenUp(killed)
  const cut = assert.rejects(ask(url, 'select count(*) from generate_series(1, 1e12::bigint)'))
  await until(
    'the query runs',
    async () =>
      (await ask(url, "select from pg_stat_activity where query like '%1e12%' and state = 'active'")).length === 2,
  )
  trySignal(watcherOf(pid) ?? 0, 'SIGKILL')
  killed.signal('SIGKILL')
  trySignal(pid, 'SIGKILL')
  await killed.exited
  await using next = holdEngine(dataDir)
  assert.equal((await ask((await whenUp(next)).url, 'select 1')).length, 1)
  await cut
  next.signal('SIGTERM')
  await next.exited
})

test('a pid file that names a stranger does not block, and the stranger is left alone', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using first = holdEngine(dataDir)
  await whenUp(first)
  const pidFile = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8')
  first.signal('SIGTERM')
  await first.exited
  writeFileSync(join(dataDir, 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.pid)), { mode: 0o600 })
  await using second = holdEngine(dataDir)
  assert.equal((await ask((await whenUp(second)).url, 'select 1')).length, 1)
  second.signal('SIGTERM')
  assert.equal((await second.exited).code, 0)
})

test('what a cut-off first start left half made is made anew', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  mkdirSync(join(`${dataDir}.new`, 'base'), { recursive: true })
  writeFileSync(join(`${dataDir}.new`, 'PG_VERSION'), '15\n')
  await using holder = holdEngine(dataDir)
  await whenUp(holder)
  assert.ok(!existsSync(`${dataDir}.new`))
  holder.signal('SIGTERM')
  await holder.exited
})

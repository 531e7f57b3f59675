import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { asOrdinaryUser, isRoot, processesIn, until } from '#test/support/processes.ts'
import { ask, holdEngine, temporaryFolder, whenUp } from './engine-support.ts'

test('the first start makes a database and a later one, on another port, finds what was stored', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'home', 'postgres')
  await using first = holdEngine(dataDir)
  const { url, port } = await whenUp(first)
  await ask(url, 'create table kept as select 7 as seven')
  first.signal('SIGTERM')
  assert.deepEqual(await first.exited, { code: 0, signal: null })
  assert.deepEqual(processesIn(dataDir), [])

  // Taken, lest the second start be given it again by chance.
  const taker = createServer().on('error', () => {})
  taker.listen(port, '127.0.0.1')
  await using second = holdEngine(dataDir)
  const again = await whenUp(second)
  taker.close()
  assert.deepEqual(await ask(again.url, 'select * from kept'), [{ seven: 7 }])
  assert.notEqual(again.port, port)
  second.signal('SIGTERM')
  await second.exited
})

test('it waits for the disk, knows accents, listens on loopback alone and wants the password', async () => {
  using folder = temporaryFolder()
  const temporary = join(folder.path, 'tmp')
  mkdirSync(temporary, { mode: 0o1777 })
  await using holder = holdEngine(join(folder.path, 'postgres'), { env: { TMPDIR: temporary } })
  const { url } = await whenUp(holder)
  const [facts] = await ask(
    url,
    `select current_setting('fsync') fsync, current_setting('synchronous_commit') sync, lower('ÉÀÇ') lower,
       current_setting('listen_addresses') listens, current_setting('server_encoding') encoding,
       current_setting('TimeZone') zone, current_setting('data_checksums') checksums, 'a' < 'É' as by_code_point`,
  )
  assert.deepEqual(facts, {
    fsync: 'on',
    sync: 'on',
    lower: 'éàç',
    listens: '127.0.0.1',
    encoding: 'UTF8',
    zone: 'UTC',
    checksums: 'on',
    by_code_point: true,
  })
  assert.deepEqual(readdirSync(temporary), [], 'the password was left in the temporary folder')
  const wrong = new URL(url)
  wrong.password = 'another'
  await assert.rejects(ask(wrong.href, 'select 1'), /password authentication failed/)
  holder.signal('SIGTERM')
  await holder.exited
})

test('an open session does not hold up the stop', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'postgres')
  await using holder = holdEngine(dataDir)
  const { url } = await whenUp(holder)
  const cut = assert.rejects(ask(url, 'select pg_sleep(3600)'), /terminat/)
  await until(
    'the query runs',
    async () => (await ask(url, "select from pg_stat_activity where wait_event = 'PgSleep'")).length === 1,
  )
  holder.signal('SIGTERM')
  assert.deepEqual(await holder.exited, { code: 0, signal: null })
  await cut
})

test('data may lie below a folder that only its owner can enter', async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o700)
  mkdirSync(join(folder.path, 'home'), { mode: 0o700 })
  await using holder = holdEngine(join(folder.path, 'home', 'postgres'))
  const { url } = await whenUp(holder)
  assert.equal((await ask(url, 'select 1')).length, 1)
  holder.signal('SIGTERM')
  await holder.exited
})

test('an ordinary user runs it', async () => {
  using folder = temporaryFolder()
  const home = join(folder.path, 'home')
  mkdirSync(home)
  const { prefix, options } = asOrdinaryUser()
  if (options.uid !== undefined) {
    chmodSync(folder.path, 0o755)
    chownSync(home, options.uid, options.gid ?? options.uid)
  }
  await using holder = holdEngine(join(home, 'postgres'), { prefix, ...options })
  const { url } = await whenUp(holder)
  assert.equal((await ask(url, 'select 1')).length, 1)
  const owner = statSync(join(home, 'postgres')).uid
  assert.equal(owner, options.uid ?? process.getuid?.())
  holder.signal('SIGTERM')
  assert.deepEqual(await holder.exited, { code: 0, signal: null })
})

test('root opens data of another user as that user, whom its home lets through', async (t) => {
  if (!isRoot) return t.diagnostic('only root has other users to become: an ordinary user has nothing to show here')
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o711)
  const home = join(folder.path, 'home')
  const dataDir = join(home, 'postgres')
  mkdirSync(dataDir, { recursive: true })
  chmodSync(home, 0o700)
  chownSync(dataDir, 65_534, 65_534)
  for (const attempt of ['made', 'found']) {
    await using holder = holdEngine(dataDir)
    const { url, pid } = await whenUp(holder)
    assert.equal((await ask(url, 'select 1')).length, 1, attempt)
    assert.equal(statSync(`/proc/${pid}`).uid, 65_534)
    assert.equal(statSync(dataDir).uid, 65_534)
    holder.signal('SIGTERM')
    assert.deepEqual(await holder.exited, { code: 0, signal: null })
  }
})

/** A machine on which no user namespace can be made, seen by the program alone. */
const WITHOUT_NAMESPACES = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount --bind /bin/false "$(command -v unshare)" && exec "$@"',
  'sh',
]

test('where namespaces are off, root lets another user run it, who needs a way to the data', async (t) => {
  if (!isRoot) return t.diagnostic('only root needs somebody to stand in: an ordinary user has nothing to show here')
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'home', 'postgres')
  mkdirSync(join(folder.path, 'home'), { mode: 0o700 })
  await using refused = holdEngine(dataDir, { prefix: WITHOUT_NAMESPACES })
  assert.equal((await refused.exited).code, 1)
  assert.match(
    refused.output.stderr,
    /^PostgreSQL cannot run as root, and user \d+, .* cannot enter .*home: allow that .*\n$/,
  )

  chmodSync(folder.path, 0o711)
  for (const attempt of ['made', 'found']) {
    await using holder = holdEngine(dataDir, { prefix: WITHOUT_NAMESPACES })
    const { url, pid } = await whenUp(holder)
    assert.equal((await ask(url, 'select 1')).length, 1, attempt)
    assert.notEqual(statSync(`/proc/${pid}`).uid, 0)
    holder.signal('SIGTERM')
    assert.deepEqual(await holder.exited, { code: 0, signal: null })
  }
})

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '#test/support/free-port.ts'
import {
  asOrdinaryUser,
  processesIn,
  processesNaming,
  type StartedProgram,
  startProgram,
  until,
} from '#test/support/processes.ts'
import { ask } from './engine-support.ts'
import { type FreshCopy, freshCopy, terminalEnvironment } from './fresh-copy.ts'

/** The program itself gives up waiting after nine seconds; the rest is for a busy machine. */
const STOP_LIMIT_MS = 20_000
const CUSTOMER = { phone: '+221770000001', pin: '2468' }

let copy: FreshCopy
before(() => {
  copy = freshCopy({ withPackages: true })
})
after(() => copy[Symbol.dispose]())

interface Started {
  readonly npm: StartedProgram
  readonly url: string
}

function npmStart(port: number, home: string, settings: Record<string, string> = {}): StartedProgram {
  const env = terminalEnvironment({ PORT: String(port), SAMACONSO_HOME: home, ...settings })
  return startProgram(['npm', 'start'], { cwd: copy.path, env })
}

async function whenReady(npm: StartedProgram, port: number): Promise<Started> {
  const [, url = ''] = await npm.line(/^SamaConso ready on (http:\/\/127\.0\.0\.1:\d+)$/)
  assert.equal(url, `http://127.0.0.1:${port}`)
  assert.equal((await fetch(`${url}/health`)).status, 200)
  return { npm, url }
}

/** Exit 0, and nothing of the system left: no engine, no simulator, no watcher. */
async function assertStopped({ npm }: Started, home: string): Promise<void> {
  let exit: Awaited<StartedProgram['exited']> | undefined
  void npm.exited.then((value) => (exit = value))
  await until('npm has ended', () => exit !== undefined, STOP_LIMIT_MS)
  assert.deepEqual(exit, { code: 0, signal: null }, npm.output.stderr)
  await assertNothingLeft(home)
}

async function assertNothingLeft(home: string): Promise<void> {
  const left = (): number[] => [
    ...processesIn(join(home, 'postgres')),
    ...processesNaming(copy.path),
    ...processesNaming(home),
  ]
  await until('no process is left', () => left().length === 0, STOP_LIMIT_MS)
}

async function post(url: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function refusal(program: StartedProgram): Promise<string> {
  assert.equal((await program.exited).code, 1, program.output.stdout)
  const lines = program.output.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('npm '))
  assert.equal(lines.length, 1, program.output.stderr)
  return lines[0] ?? ''
}

test('from a folder only root can enter: ready, used, stopped, and the data there on another port', async () => {
  const home = join(dirname(copy.home), 'closed', 'home')
  mkdirSync(dirname(home), { mode: 0o700 })
  const port = await freePort()
  await using npm = npmStart(port, home)
  const first = await whenReady(npm, port)
  for (const shown of [CUSTOMER.phone, CUSTOMER.pin, 'agent.demo', 'admin-2026'])
    assert.match(npm.output.stdout, new RegExp(shown.replace('+', '\\+')))
  const login = await post(`${first.url}/api/login`, CUSTOMER)
  assert.equal(login.status, 200)
  npm.signal('SIGTERM')
  await assertStopped(first, home)

  const otherPort = await freePort()
  await using again = npmStart(otherPort, home)
  const second = await whenReady(again, otherPort)
  const refreshed = await post(`${second.url}/api/refresh`, { refresh_token: login.body['refresh_token'] })
  assert.equal(refreshed.status, 200, 'the login of the first run is known to the second')
  again.signal('SIGTERM', 'group')
  await assertStopped(second, home)
})

for (const [how, stop] of [
  ['Ctrl-C, to npm and all it started', (npm: StartedProgram) => npm.signal('SIGINT', 'group')],
  ['SIGINT to npm alone', (npm: StartedProgram) => npm.signal('SIGINT')],
  [
    'SIGTERM to npm, and again to its group',
    (npm: StartedProgram) => npm.signal('SIGTERM') && npm.signal('SIGTERM', 'group'),
  ],
] as const) {
  test(`${how} stops everything with exit code 0`, async () => {
    // An empty folder that is there already, shared by these tests: the first makes the data, the others start on it.
    mkdirSync(copy.home, { recursive: true })
    const port = await freePort()
    await using npm = npmStart(port, copy.home)
    const started = await whenReady(npm, port)
    stop(npm)
    await assertStopped(started, copy.home)
  })
}

test('a stop in the middle of a start ends it all the same', async () => {
  await using npm = npmStart(await freePort(), copy.home)
  await until('the engine is being started', () => processesIn(join(copy.home, 'postgres')).length > 0)
  npm.signal('SIGTERM', 'group')
  await npm.exited
  await assertNothingLeft(copy.home)
})

test('kill -9 leaves no process and nothing that blocks the next start', async () => {
  const port = await freePort()
  await using killed = npmStart(port, copy.home)
  await whenReady(killed, port)
  killed.signal('SIGKILL', 'group')
  await killed.exited
  await using next = npmStart(port, copy.home)
  const started = await whenReady(next, port)
  next.signal('SIGTERM')
  await assertStopped(started, copy.home)
})

test('a second start on the same data, and one on a taken port, say so in a line', async () => {
  const port = await freePort()
  await using npm = npmStart(port, copy.home)
  const started = await whenReady(npm, port)
  await using sameData = npmStart(await freePort(), copy.home)
  assert.match(await refusal(sameData), /already running on the data in .*home \(process \d+\)$/)
  await using samePort = npmStart(port, `${copy.home}-of-another`)
  assert.match(await refusal(samePort), new RegExp(`port ${port} is taken`))
  assert.equal((await fetch(`${started.url}/ready`)).status, 200, 'the first start is not disturbed')
  npm.signal('SIGTERM')
  await assertStopped(started, copy.home)
})

test('data of a newer version of the program is refused in a line, and left as it is', async () => {
  const port = await freePort()
  const home = `${copy.home}-of-newer`
  await using npm = npmStart(port, home)
  const started = await whenReady(npm, port)
  const { databaseUrl } = JSON.parse(readFileSync(join(home, 'running.json'), 'utf8')) as { databaseUrl: string }
  await ask(databaseUrl, "insert into schema_migration (version, name, checksum) values (9999, '9999_later.sql', 'x')")
  npm.signal('SIGTERM')
  await assertStopped(started, home)
  await using older = npmStart(port, home)
  assert.match(await refusal(older), /newer/)
  await assertNothingLeft(home)
})

test('a data folder that cannot be made is one line', async () => {
  const file = join(copy.path, 'package.json')
  await using npm = npmStart(await freePort(), join(file, 'home'))
  assert.match(await refusal(npm), /the data folder .* cannot be used/)
})

test('an ordinary user starts it from a checkout that is not his', async () => {
  const { prefix, options } = asOrdinaryUser()
  const home = join(dirname(copy.home), 'of-ordinary')
  if (options.uid !== undefined) {
    // Only the way in is opened: the checkout and its packages stay ours.
    chmodSync(dirname(copy.home), 0o777)
  }
  const port = await freePort()
  const env = terminalEnvironment({ PORT: String(port), SAMACONSO_HOME: home, HOME: dirname(copy.home) })
  await using npm = startProgram([...prefix, 'npm', 'start'], { cwd: copy.path, env, ...options })
  const started = await whenReady(npm, port)
  npm.signal('SIGTERM', 'group')
  await assertStopped(started, home)
})

test('without the packages and without a network it says what is wrong', async () => {
  using bare = freshCopy({ withPackages: false })
  const env = terminalEnvironment({
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(dirname(bare.home), 'npm-cache'),
  })
  await using npm = startProgram(['npm', 'start'], { cwd: bare.path, env })
  assert.equal((await npm.exited).code, 1)
  assert.match(npm.output.stderr, /^samaconso: the packages could not be installed.* network/m)
})

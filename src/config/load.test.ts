import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigRefused, type Env, loadConfig } from './load.ts'
import type { Role } from './settings.ts'

const API: Env = {
  DATABASE_URL: 'postgres://u:a-good-password@127.0.0.1:6432/samaconso',
  BROKER_URL: 'amqp://u:another-good-one@127.0.0.1:5672/',
  REDIS_URL: 'redis://127.0.0.1:6379/0',
  JWT_SECRET: 'sixteen characters',
}

function problemsOf(role: Role, env: Env): readonly string[] {
  try {
    loadConfig(role, env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigRefused)) throw error
    return error.problems
  }
}

test('an api with what it must have starts, with the defaults of the rest', () => {
  const config = loadConfig('api', API)
  assert.equal(config.PORT, '8001')
  assert.equal(config.LOG_LEVEL, 'info')
  assert.equal(config.SIC_URL, undefined)
  assert.ok(Object.isFrozen(config))
})

test('all problems are told at once, by name, and no value among them', () => {
  const problems = problemsOf('api', {
    DATABASE_URL: 'mysql://u:hunter2-hunter2@h/x',
    BROKER_URL: 'amqp://guest:guest@127.0.0.1/',
    JWT_SECRET: 'too-short',
    PORT: '70000',
    LOG_LEVEL: 'loud',
  })
  for (const name of ['DATABASE_URL', 'BROKER_URL', 'REDIS_URL', 'JWT_SECRET', 'PORT', 'LOG_LEVEL']) {
    assert.ok(
      problems.some((problem) => problem.startsWith(`${name} `)),
      name,
    )
  }
  assert.equal(problems.length, 6)
  for (const value of ['hunter2', 'guest', 'too-short', '70000', 'loud']) {
    assert.ok(!problems.join('\n').includes(value), value)
  }
})

test('an address whose password cannot be decoded is refused like any other', () => {
  const problems = problemsOf('api', { ...API, SOURCE_PROXY_URL: 'http://u:100%sure@proxy:3128' })
  assert.deepEqual(problems, ['SOURCE_PROXY_URL has a % that is no code of a character'])
})

test('known defaults are refused wherever a secret stands', () => {
  const refused: readonly [name: string, value: string][] = [
    ['JWT_SECRET', ''],
    ['SIC_PASSWORD', 'ChangeMe'],
    ['REDIS_URL', 'redis://:admin@127.0.0.1:6379'],
    ['BROKER_URL', 'amqp://127.0.0.1:5672/'],
    ['DATABASE_URL', 'postgres://postgres:postgres@127.0.0.1/x'],
    ['SIC_URL', 'sqlserver://u:in-the-address@h:1433/SIC'],
  ]
  for (const [name, value] of refused) {
    const problems = problemsOf('api', { ...API, [name]: value })
    assert.equal(problems.length, 1, `${name}: ${problems.join('; ')}`)
    assert.ok(problems[0]?.startsWith(`${name} `), problems[0])
  }
})

test('a setting of another role is not looked at', () => {
  assert.deepEqual(problemsOf('migrate', { DATABASE_DIRECT_URL: 'postgres://u:good-enough@h/x', PORT: 'nonsense' }), [])
})

test('a secret can come from a file, but not from both', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-config-'))
  try {
    const path = join(folder, 'jwt')
    await writeFile(path, 'a secret from a file\n')
    const { JWT_SECRET: _, ...rest } = API
    assert.equal(loadConfig('api', { ...rest, JWT_SECRET_FILE: path }).JWT_SECRET, 'a secret from a file')
    assert.match(problemsOf('api', { ...API, JWT_SECRET_FILE: path }).join(), /both set/)
    assert.match(
      problemsOf('api', { ...rest, JWT_SECRET_FILE: join(folder, 'none') }).join(),
      /cannot be read \(ENOENT\)/,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a count is a whole number, and not too small', () => {
  const worker = { ...API, FCM_CREDENTIALS_FILE: '/key.json' }
  assert.equal(loadConfig('worker', worker).FCM_QUOTA_PER_MINUTE, '600000')
  for (const FCM_QUOTA_PER_MINUTE of ['59', '1e6', '60.5', '-60', 'many']) {
    const problem = 'FCM_QUOTA_PER_MINUTE is not a whole number, at least 60'
    assert.deepEqual(problemsOf('worker', { ...worker, FCM_QUOTA_PER_MINUTE }), [problem])
  }
})

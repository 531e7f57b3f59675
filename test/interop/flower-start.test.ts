import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { ENGINE_PATH } from '#test/support/engine-process.ts'
import { START_SCRIPT } from './flower.ts'

type Settings = Readonly<Record<string, string>>

const folder = mkdtempSync(join(tmpdir(), 'samaconso-flower-start-'))
after(() => rmSync(folder, { recursive: true }))

/** In place of Celery: shows what it was given. */
const celery = join(folder, 'celery')
writeFileSync(celery, '#!/bin/sh\nprintf "%s\\n" "$*"\nenv\npwd\n', { mode: 0o755 })

const secret = randomBytes(18).toString('base64url')
const complete = {
  FLOWER_BASIC_AUTH: `awa:${secret}`,
  BROKER_URL: `amqp://flower:${secret}@server-2:5672/samaconso`,
  REDIS_URL: `redis://:${secret}@server-3:6379/0`,
  FLOWER_BROKER_API: `http://flower:${secret}@server-2:15672/api/`,
}

async function start(settings: Settings): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { PATH: ENGINE_PATH, CELERY: celery, ...settings }
  return await new Promise((resolve) => {
    execFile('sh', [START_SCRIPT], { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })
}

async function refused(changed: Settings, why: RegExp): Promise<void> {
  const { code, stdout, stderr } = await start({ ...complete, ...changed })
  assert.equal(code, 78, stderr)
  assert.match(stderr, why)
  assert.equal(stdout, '', 'nothing was started')
  assert.ok(!stderr.includes(secret))
}

suite('the start of Flower', () => {
  test('secrets go by the environment, never as arguments', async () => {
    const { code, stdout, stderr } = await start(complete)
    assert.equal(code, 0, stderr)
    const [args, ...environment] = stdout.trim().split('\n')
    assert.equal(args, '-A stubs flower')
    for (const [name, value] of Object.entries(complete)) assert.ok(environment.includes(`${name}=${value}`), name)
    assert.ok(environment.includes('FLOWER_PORT=5555'))
    assert.match(environment.at(-1) ?? '', /deploy\/server-3\/flower$/)
  })

  test('each setting can be a file; several accounts can be on lines', async () => {
    const accounts = join(folder, 'accounts')
    writeFileSync(accounts, `awa:${secret}\nbineta:${secret}x\n`)
    const { FLOWER_BASIC_AUTH: _, ...others } = complete
    const { stdout } = await start({ ...others, FLOWER_BASIC_AUTH_FILE: accounts })
    assert.ok(stdout.split('\n').includes(`FLOWER_BASIC_AUTH=awa:${secret},bineta:${secret}x`))
  })

  for (const [account, why] of [
    ['', /FLOWER_BASIC_AUTH is missing/],
    ['admin:admin', /known default/],
    ['awa:', /secret of awa is empty/],
    [':secret-of-nobody-in-particular', /without a name/],
    ['awa', /name:secret/],
    ['awa:short', /shorter than 16/],
    [`awa:${secret},admin:admin`, /known default/],
    [`awa:${secret},`, /name:secret/],
    [`awa:${secret}\n\nbineta:`, /name:secret/],
  ] as const) {
    test(`refuses the accounts ${JSON.stringify(account.replace(secret, '…'))}`, () =>
      refused({ FLOWER_BASIC_AUTH: account }, why))
  }

  test('refuses what is missing, said twice, unreadable or a default', async () => {
    for (const name of ['BROKER_URL', 'REDIS_URL', 'FLOWER_BROKER_API']) {
      await refused({ [name]: '' }, new RegExp(`${name} is missing`))
    }
    await refused({ BROKER_URL_FILE: celery }, /BROKER_URL and BROKER_URL_FILE/)
    await refused({ BROKER_URL: '', BROKER_URL_FILE: join(folder, 'absent') }, /cannot be read/)
    await refused({ BROKER_URL: 'amqp://guest:guest@server-2' }, /default account/)
    await refused({ FLOWER_BROKER_API: 'http://guest:guest@server-2:15672/api/' }, /default account/)
    await refused({ FLOWER_BROKER_API: 'http://server-2:15672/api' }, /end in \/api\//)
    await refused({ FLOWER_UNAUTHENTICATED_API: 'true' }, /everybody/)
  })
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEMO_LOGINS } from '#src/roles/parts/demo-logins.ts'
import { openDatabase } from '#src/database/database.ts'
import { createLogger } from '#src/core/logger.ts'
import { createStaff } from '#src/modules/accounts/create-account.ts'
import { testDatabase } from '#test/support/database.ts'
import { ROOT, type StartedProgram, startProgram } from '#test/support/processes.ts'

const SETTINGS = {
  DATABASE_URL: 'postgres://someone:something-long@127.0.0.1:9/samaconso',
  BROKER_URL: 'amqp://someone:something-long@127.0.0.1:9/samaconso',
  REDIS_URL: 'redis://:something-long@127.0.0.1:9/0',
  JWT_SECRET: 'something that is long',
  FCM_CREDENTIALS_FILE: '/nowhere/service-account.json',
}

test('a worker that is told a wrong queue, none, or a wrong number says so and ends', async () => {
  const wrong: readonly [args: readonly string[], said: RegExp][] = [
    [['--queues', 'urgent,hihg_priority'], /^samaconso: there is no queue "hihg_priority": name some of urgent, /],
    [[], /^samaconso: worker needs --queues: name some of urgent, high_priority, normal, low_priority$/],
    [['--queues', 'urgent', '--concurrency', '0'], /^samaconso: --concurrency takes a number from 1 to \d+$/],
  ]
  await Promise.all(
    wrong.map(async ([args, said]) => {
      assert.match(await refusalOf(['worker', ...args], SETTINGS), said)
    }),
  )
})

test('settings that are missing, empty or known to everyone are told all at once, by name and without a value', async () => {
  const wrong = { ...SETTINGS, BROKER_URL: 'amqp://guest:guest@127.0.0.1/', JWT_SECRET: '', REDIS_URL: undefined }
  const [api, worker] = await Promise.all([
    refusalOf(['api'], { ...wrong, DATABASE_URL: undefined }),
    refusalOf(['worker', '--queues', 'urgent'], { ...wrong, FCM_CREDENTIALS_FILE: undefined }),
  ])
  assert.deepEqual(namesIn(api), ['BROKER_URL', 'DATABASE_URL', 'JWT_SECRET', 'REDIS_URL'])
  assert.deepEqual(namesIn(worker), ['BROKER_URL', 'FCM_CREDENTIALS_FILE', 'REDIS_URL'])
  for (const text of [api, worker]) assert.doesNotMatch(text, /guest/)
})

test('an API refuses a database that has demo accounts', async () => {
  const fresh = await testDatabase()
  const database = openDatabase({ url: fresh.url, log: createLogger('fatal'), maxConnections: 1 })
  try {
    await createStaff(database.db, { ...DEMO_LOGINS.admin, role: 'admin' })
    const said = await refusalOf(['api'], { ...SETTINGS, DATABASE_URL: fresh.url })
    assert.match(said, /^samaconso: this database has demo accounts \(admin\.demo\)/)
  } finally {
    await database.close()
    await fresh.close()
  }
})

/** What it says on standard error as it ends with exit code 1. */
async function refusalOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<string> {
  await using program: StartedProgram = startProgram([process.execPath, join(ROOT, 'src/main.ts'), ...args], { env })
  const { code } = await program.exited
  assert.equal(code, 1, program.output.stdout + program.output.stderr)
  return program.output.stderr.trim()
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name = '']) => name).toSorted()
}

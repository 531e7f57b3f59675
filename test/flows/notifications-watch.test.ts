import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { aMessage } from '#test/support/inbox-messages.ts'
import { startProgram, type StartedProgram } from '#test/support/processes.ts'

/** `notifications watch` as whoever operates the system types it. */

let fresh: TestDatabase
let database: Database
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('fatal') })
})
after(async () => {
  await database?.close()
  await fresh?.close()
})

async function aNotification(state: 'queued' | 'sending' | 'done' | 'cancelled'): Promise<string> {
  const now = new Date()
  const id = await aMessage(database.db, { at: now.getTime() })
  const times = { done_at: state === 'done' ? now : null, cancelled_at: state === 'cancelled' ? now : null }
  await database.db
    .updateTable('notification')
    .set({ state, recipients: 1_000, ...times })
    .where('id', '=', id)
    .execute()
  return id
}

async function aDelivery(notificationId: string, state: 'sent' | 'dead'): Promise<void> {
  const now = new Date()
  const row = { notification_id: notificationId, device_id: randomUUID(), state, attempts: 1 }
  await database.db
    .insertInto('delivery')
    .values({ ...row, first_tried_at: now, next_attempt_at: null, updated_at: now })
    .execute()
}

function watchCommand(...args: string[]): StartedProgram {
  return startProgram([process.execPath, 'src/main.ts', 'notifications', ...args], {
    env: { DATABASE_DIRECT_URL: fresh.url },
  })
}

test('a notification that has ended is told in one line: 0 when it is done, 1 when it was cancelled', async () => {
  for (const [state, code] of [['done', 0] as const, ['cancelled', 1] as const]) {
    const id = await aNotification(state)
    await aDelivery(id, 'sent')
    await using command = watchCommand('watch', id)
    assert.deepEqual(await command.exited, { code, signal: null })
    assert.match(command.output.stdout, new RegExp(`^\\S+Z ${state}: 1 sent; \\d+ devices\\n$`))
    assert.equal(command.output.stderr, '')
  }
})

test('one that runs is followed to its end', async () => {
  const id = await aNotification('sending')
  await using command = watchCommand('watch', id)
  await command.line(/ sending: 0 sent;/)
  await aDelivery(id, 'sent')
  await command.line(/ sending: 1 sent;/)
  await aDelivery(id, 'dead')
  await command.line(/ sending: 1 sent, 1 dead targets;/)
  await database.db
    .updateTable('notification')
    .set({ state: 'done', done_at: new Date() })
    .where('id', '=', id)
    .execute()
  assert.deepEqual(await command.exited, { code: 0, signal: null })
  assert.match(command.output.stdout, / done: 1 sent, 1 dead targets; \d+ devices\n$/)
})

test('Ctrl-C leaves without a word', async () => {
  await using command = watchCommand('watch', await aNotification('queued'))
  await command.line(/ queued: /)
  command.signal('SIGINT')
  assert.deepEqual(await command.exited, { code: 130, signal: null })
  assert.equal(command.output.stderr, '')
})

const refused: readonly [what: string, args: readonly string[], answer: RegExp][] = [
  ['an id that nobody has', ['watch', randomUUID()], /^samaconso: there is no notification [0-9a-f-]{36}\n$/],
  ['a text that is no id', ['watch', 'x'], /^samaconso: x is no id of a notification/],
  ['another word', ['look', randomUUID()], /^samaconso: notifications takes: watch ID\n$/],
  ['no id', ['watch'], /^samaconso: notifications takes: watch ID\n$/],
]

for (const [what, args, answer] of refused) {
  test(`${what} is refused in a sentence`, async () => {
    await using command = watchCommand(...args)
    assert.equal((await command.exited).code, 1)
    assert.match(command.output.stderr, answer)
    assert.equal(command.output.stdout, '')
  })
}

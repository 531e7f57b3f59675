import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineErrors } from '#src/core/errors.ts'
import { lineScreen, redrawnScreen } from './screens.ts'
import { watch } from './watch.ts'
import type { Watched } from './progress-frame.ts'

const { away } = defineErrors('test', { away: ['unavailable', 'Pas de réponse.', 'No answer.'] })

const status = (state: Watched['state'], sent: number): Watched => ({
  state,
  counts: {
    recipients: 4,
    recipients_done: 4,
    devices: 4,
    sent,
    failed: 0,
    dead_tokens: 0,
    retrying: 0,
    held: 0,
    muted: 0,
    expired: 0,
  },
  rate_per_minute: null,
  estimated_done_at: null,
})

/** Reads what it is given, one after the other; the last again and again. */
function reader(answers: readonly (Watched | Error | undefined)[]) {
  const left = [...answers]
  return async (): Promise<Watched | undefined> => {
    const answer = left.length > 1 ? left.shift() : left[0]
    if (answer instanceof Error) throw answer
    return answer
  }
}

function written(): { text: () => string; write: (text: string) => void } {
  const parts: string[] = []
  return { text: () => parts.join(''), write: (text) => void parts.push(text) }
}

const watching = (answers: readonly (Watched | Error | undefined)[], out = written()) => ({
  read: reader(answers),
  screen: lineScreen(out, () => 0),
  everyMs: 1,
  signal: new AbortController().signal,
})

test('it ends as the notification does, or when there is none', async () => {
  assert.equal(await watch(watching([status('queued', 0), status('sending', 1), status('done', 4)])), 'done')
  assert.equal(await watch(watching([status('cancelled', 1)])), 'cancelled')
  assert.equal(await watch(watching([undefined])), 'unknown')
})

test('a signal ends it at once, however long the wait', async () => {
  const stopping = new AbortController()
  const parts = watching([status('sending', 1)])
  const screen = { ...parts.screen, show: () => stopping.abort('SIGINT') }
  assert.equal(await watch({ ...parts, screen, everyMs: 3_600_000, signal: stopping.signal }), 'stopped')
})

test('without a terminal there is a line for each change', async () => {
  const out = written()
  await watch(watching([status('sending', 1), status('sending', 1), status('sending', 3), status('done', 4)], out))
  assert.deepEqual(out.text().split('\n'), [
    '1970-01-01T00:00:00.000Z sending: 1 sent; 4 devices',
    '1970-01-01T00:00:00.000Z sending: 3 sent; 4 devices',
    '1970-01-01T00:00:00.000Z done: 4 sent; 4 devices',
    '',
  ])
})

test('a database that goes away is told of and waited for; one that was never there is not', async () => {
  const out = written()
  assert.equal(await watch(watching([status('sending', 1), away(), away(), status('done', 4)], out)), 'done')
  assert.equal(out.text().match(/No answer/g)?.length, 1)
  await assert.rejects(watch(watching([away(), status('done', 4)])), { code: 'test/away' })
  await assert.rejects(watch(watching([status('sending', 1), new TypeError('a bug')])), /a bug/)
})

test('on a terminal every frame is drawn over the one before, also where it had more lines', () => {
  const out = written()
  const screen = redrawnScreen({ columns: 70, write: out.write }, false)
  screen.show(status('sending', 1))
  screen.tell('No answer.')
  screen.show(status('done', 4))
  assert.deepEqual(drawn(out.text()), [
    'done       [########################################]  100 %',
    '4 sent; 4 devices',
    '',
  ])
})

/** What a terminal shows of it in the end: it knows the sequences that we use, and no other. */
function drawn(text: string): string[] {
  const lines: string[] = ['']
  let [row, column] = [0, 0]
  for (const [token] of text.replaceAll('\u001b', '␛').matchAll(/␛\[(\d+A|K|J)|[^␛]/g)) {
    const line = lines[row] ?? ''
    if (token === '\r') column = 0
    else if (token === '\n') [row, column] = [row + 1, 0]
    else if (token === '␛[K') lines[row] = line.slice(0, column)
    else if (token === '␛[J') lines.splice(row + 1)
    else if (token.startsWith('␛')) row -= Number.parseInt(token.slice(2), 10)
    else {
      lines[row] = line.slice(0, column) + token + line.slice(column + 1)
      column += 1
    }
    lines[row] ??= ''
  }
  return lines
}

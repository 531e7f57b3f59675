import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Window } from './rabbitmq-window.ts'

test('lets in as many as fit, the others in the order of their coming', async () => {
  const window = new Window(2)
  const inside: string[] = []
  const enter = (who: string): Promise<number> => window.enter().then(() => inside.push(who))
  const all = ['a', 'b', 'c', 'd'].map(enter)
  await Promise.all(all.slice(0, 2))
  assert.deepEqual(inside, ['a', 'b'])
  window.leave()
  // Who comes when a place was just given away does not overtake those who wait.
  const late = enter('e')
  await all[2]
  window.leave()
  await all[3]
  window.leave()
  await late
  assert.deepEqual(inside, ['a', 'b', 'c', 'd', 'e'])
})

test('who gives up waiting takes no place', async () => {
  const window = new Window(1)
  await window.enter()
  const patience = new AbortController()
  const impatient = assert.rejects(window.enter(patience.signal), /enough/)
  const next = window.enter(new AbortController().signal)
  patience.abort(new Error('enough'))
  await impatient
  window.leave()
  await next
  const idle = window.idle()
  window.leave()
  await idle
  await window.idle()
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { ExportsUnderWay } from './under-way.ts'

const anAnswer = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()))

test('an account has two under way; one that has ended makes room for one', async () => {
  const underWay = new ExportsUnderWay()
  const answers = [anAnswer(), anAnswer()]
  for (const answer of answers) underWay.begin('awa', answer)
  assert.throws(() => underWay.begin('awa', anAnswer()), { code: 'export/too-many', retryAfterSeconds: 10 })
  underWay.begin('binta', anAnswer())
  answers[0]?.destroy()
  await once(answers[0] ?? assert.fail(), 'close')
  underWay.begin('awa', anAnswer())
  assert.throws(() => underWay.begin('awa', anAnswer()), { code: 'export/too-many' })
})

test('twenty are under way in all; those that have ended leave nothing behind', async () => {
  const underWay = new ExportsUnderWay()
  for (let round = 0; round < 3; round += 1) {
    const answers = Array.from({ length: 20 }, anAnswer)
    for (const [place, answer] of answers.entries()) underWay.begin(`account ${place}`, answer)
    assert.throws(() => underWay.begin('one more', anAnswer()), { code: 'export/busy', retryAfterSeconds: 10 })
    const closed = answers.map((answer) => once(answer, 'close'))
    for (const answer of answers) answer.destroy()
    await Promise.all(closed)
  }
})

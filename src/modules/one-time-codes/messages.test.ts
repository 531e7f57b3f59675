import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, PURPOSES } from './messages.ts'

/** The letters of GSM 03.38 that French and English texts use; a letter beside it halves what a message holds. */
const GSM = /^[A-Za-z0-9 .,:;!?'"()+*/=<>%&#@$£¥_éèùìòàÉÄÖÑÜäöñü-]*$/

test('every text is one message, says its code once and how long it is good for', () => {
  for (const purpose of PURPOSES) {
    for (const language of ['fr', 'en'] as const) {
      const text = messageOf(purpose, language, '012345')
      assert.match(text, GSM)
      assert.ok(text.length <= 160, `${text.length} characters`)
      assert.equal(text.split('012345').length, 2)
      assert.match(text, /10 minutes/)
    }
  }
})

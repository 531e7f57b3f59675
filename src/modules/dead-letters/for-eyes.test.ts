import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bodyForEyes, textForEyes } from './for-eyes.ts'

test('values under a telling name stay hidden, whoever wrote the text', () => {
  const shown: readonly [text: string, expected: string][] = [
    ['{"password": "hunter2", "n": 1}', '{"password": "…", "n": 1}'],
    ['{"new_password":"a\'b","pin":2468}', '{"new_password":"…","pin":"…"}'],
    [`{'push_token': 'abc', 'k': 'v'}`, `{'push_token': "…", 'k': 'v'}`],
    ['{"repr":"{\\"api_key\\": \\"abc\\"}"}', '{"repr":"{\\"api_key\\": "…"}"}'],
    ['amqp://someone:hunter2@host/', 'amqp://someone:…@host/'],
    ['{"notification_id": "7c0e", "shopping": "bread"}', '{"notification_id": "7c0e", "shopping": "bread"}'],
  ]
  for (const [text, expected] of shown) assert.equal(textForEyes(text), expected)
})

test('a secret that the cut goes through stays hidden', () => {
  assert.equal(textForEyes('{"secret": "half of it'), '{"secret": "…"')
})

test('any bytes become one printable line of bounded length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 200 }), (bytes, length) => {
      const text = bodyForEyes(Buffer.from(bytes), length)
      assert.ok(text.length <= length)
      assert.doesNotMatch(text, /\p{Cc}/u)
    }),
  )
})

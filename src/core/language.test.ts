import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preferredLanguage } from './language.ts'

const cases: readonly [header: string | undefined, language: 'fr' | 'en'][] = [
  [undefined, 'fr'],
  ['', 'fr'],
  ['en', 'en'],
  ['en-GB,en;q=0.9', 'en'],
  ['wo, fr;q=0.8, en;q=0.5', 'fr'],
  ['fr;q=0.2, en;q=0.9', 'en'],
  ['en;q=0', 'fr'],
  ['en;q=abc', 'fr'],
  ['*', 'fr'],
]

for (const [header, language] of cases) {
  test(`Accept-Language ${header ?? '(none)'} is ${language}`, () => {
    assert.equal(preferredLanguage(header), language)
  })
}

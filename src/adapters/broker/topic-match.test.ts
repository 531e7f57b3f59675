import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topicMatches } from './topic-match.ts'

/** The rule as written down in the protocol, by recursion: slow and plain. */
function matchesByDefinition(parts: readonly string[], words: readonly string[]): boolean {
  const [part, ...rest] = parts
  if (part === undefined) return words.length === 0
  if (part === '#')
    return words.some((_, n) => matchesByDefinition(rest, words.slice(n))) || matchesByDefinition(rest, [])
  const [word, ...others] = words
  return word !== undefined && (part === '*' || part === word) && matchesByDefinition(rest, others)
}

test('the examples of the trade', () => {
  for (const [pattern, key, expected] of [
    ['#', '', true],
    ['#', 'task.multi', true],
    ['worker.#', 'worker.online', true],
    ['worker.#', 'worker', true],
    ['worker.#', 'workers.online', false],
    ['*.orange.*', 'quick.orange.rabbit', true],
    ['*.orange.*', 'orange.rabbit', false],
    ['*', '', false],
    ['#.celery', '0.0.1.celery', true],
    ['task.sent', 'task.sent', true],
    ['task.sent', 'task', false],
  ] as const) {
    assert.equal(topicMatches(pattern, key), expected, `${pattern} on ${key}`)
  }
})

test('agrees with the definition', () => {
  const part = fc.constantFrom('a', 'b', '*', '#')
  const word = fc.constantFrom('a', 'b', 'c')
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.array(word, { maxLength: 6 }), (parts, words) => {
      assert.equal(topicMatches(parts.join('.'), words.join('.')), matchesByDefinition(parts, words))
    }),
  )
})

test('many wildcards on a long key take no time to speak of', () => {
  const pattern = Array.from({ length: 60 }, () => '#.a').join('.')
  assert.equal(topicMatches(pattern, Array.from({ length: 120 }, () => 'a').join('.')), true)
  assert.equal(topicMatches(`${pattern}.b`, Array.from({ length: 120 }, () => 'a').join('.')), false)
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { OVERLAP_MS, Position } from './position.ts'

const NOW = Date.UTC(2026, 10, 22, 10)

test('what comes up to the overlap late is new, what was shown is not, what is older is settled', () => {
  const position = Position.at(NOW)
  const [first, late, old] = [randomUUID(), randomUUID(), randomUUID()]
  position.add(first, NOW + 5_000)
  assert.equal(position.isNew(first, NOW + 5_000), false)
  assert.equal(position.isNew(late, NOW + 5_000 - OVERLAP_MS + 1), true)
  assert.equal(position.isNew(old, NOW + 5_000 - OVERLAP_MS), false)
})

test('an id stays short: names of what is settled are forgotten', () => {
  const position = Position.at(NOW)
  for (let count = 0; count < 1_000; count += 1) position.add(randomUUID(), NOW + count * OVERLAP_MS)
  assert.match(String(position), /^[0-9a-z]+\.[0-9a-f]{8}$/)
})

test('a flood within the overlap keeps to what a header can hold, and is still read back', () => {
  const position = Position.at(NOW)
  const ids = Array.from({ length: 1_000 }, () => randomUUID())
  ids.forEach((id, count) => position.add(id, NOW + count))
  const text = String(position)
  assert.ok(text.length < 4_000, `${text.length} characters`)
  const read = Position.parse(text, NOW)
  assert.ok(read !== undefined)
  for (const [count, id] of ids.entries()) assert.equal(read.isNew(id, NOW + count), false)
  assert.equal(read.isNew(randomUUID(), NOW + 1_000), true)
})

test('what no stream of ours has sent is refused', () => {
  for (const text of [
    '',
    '.',
    'x.',
    'X',
    '-1',
    'mb2.123',
    `mb2.${'0'.repeat(8 * 401)}`,
    'mb2.7c0e6f0a.',
    'zzzzzzzzz',
  ]) {
    assert.equal(Position.parse(text, NOW), undefined, text)
  }
})

const idStart = (place: number): string => place.toString(16).padStart(8, '0')

/** Messages with the order in which they are committed: any, as long as none is later than the overlap. */
const messages = fc
  .array(fc.record({ at: fc.integer({ min: 0, max: 200_000 }), lateMs: fc.integer({ min: 0, max: OVERLAP_MS - 1 }) }), {
    maxLength: 40,
  })
  // Ids by chance would share their short names once in some fifty thousand runs, and be one message.
  .map((all) => all.map((message, place) => ({ ...message, id: randomUUID().replace(/^.{8}/, idStart(place)) })))
  .map((all) => all.toSorted((a, b) => a.at + a.lateMs - (b.at + b.lateMs)))

test('committed in any order, and resumed anywhere, each message is shown once', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.boolean(), { maxLength: 40 }), (committed, cuts) => {
      let position = Position.at(NOW)
      const shown: string[] = []
      const visible: { id: string; at: number }[] = []
      for (const [index, { id, at }] of committed.entries()) {
        visible.push({ id, at: NOW + at })
        // A stream that is not there misses it, and the next one finds it.
        if (cuts[index] === true) continue
        position = Position.parse(String(position), Number.MAX_SAFE_INTEGER) ?? assert.fail('not read back')
        for (const message of visible.toSorted((a, b) => a.at - b.at)) {
          if (!position.isNew(message.id, message.at)) continue
          position.add(message.id, message.at)
          shown.push(message.id)
        }
      }
      assert.equal(new Set(shown).size, shown.length, 'twice')
      const last = committed.findLastIndex((_message, index) => cuts[index] !== true)
      assert.equal(shown.length, last + 1, 'missing')
    }),
  )
})

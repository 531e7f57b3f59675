import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityTag, matchesTag } from './entity-tag.ts'

test('the tag follows the bytes', () => {
  assert.equal(entityTag('{"a":1}'), entityTag('{"a":1}'))
  assert.notEqual(entityTag('{"a":1}'), entityTag('{"a":2}'))
  assert.match(entityTag(''), /^"[\w-]{43}"$/)
})

test('If-None-Match matches one tag, one of a list, a weakened one and any', () => {
  const tag = '"abc"'
  for (const header of ['"abc"', '"x", "abc"', 'W/"abc"', '"x" , W/"abc"', '*'])
    assert.ok(matchesTag(header, tag), header)
  for (const header of [undefined, '', 'abc', '"abcd"', 'W/"x"']) assert.ok(!matchesTag(header, tag), header)
})

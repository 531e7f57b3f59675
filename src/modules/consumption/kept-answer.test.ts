import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityTag } from './entity-tag.ts'
import { asStale, decodeKept, encodeKept, encodeNothing } from './kept-answer.ts'

const body = '{"numéro":"14\\n","stale":false,"sources":[{"stale":false}]}\n'
const kept = { version: 'v-1', freshUntil: 1_773_568_800_000, isStale: false, etag: entityTag(body), body }

test('what was kept comes back to the byte', () => {
  assert.deepEqual(decodeKept(encodeKept(kept)), kept)
  assert.deepEqual(decodeKept(encodeKept({ ...kept, isStale: true })), { ...kept, isStale: true })
  const { version, freshUntil } = kept
  assert.deepEqual(decodeKept(encodeNothing({ version, freshUntil })), { version, freshUntil, isNothing: true })
})

test('what this release did not write is no answer', () => {
  for (const text of ['', 'v 1 current\n{}', '{}', 'a b c\n{}', 'v 1 current "e" more\n{}', '{"v":1}\n']) {
    assert.equal(decodeKept(text), undefined, text)
  }
})

test('an answer that is said to be stale is another entity', () => {
  const stale = asStale(kept)
  assert.deepEqual(JSON.parse(stale.body), { ...(JSON.parse(body) as object), stale: true })
  assert.equal(stale.etag, entityTag(stale.body))
  assert.notEqual(stale.etag, kept.etag)
  assert.equal(asStale(stale), stale)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resultStoreConformance } from '#test/conformance/result-store.ts'
import { ResultStoreUnavailable } from '#src/ports/result-store.ts'
import { memoryResults } from './memory.ts'

resultStoreConformance('memory', () => {
  const store = memoryResults()
  const saveGroup = (id: string, text: string): Promise<void> => Promise.resolve(store.saveGroup(id, text))
  return Promise.resolve({ store, saveGroup })
})

test('a result lives for its time', async () => {
  let now = 0
  const store = memoryResults({ clock: () => now, lifetimeMs: 1_000 })
  await store.write('a', 'text', () => false)
  now = 999
  assert.equal(await store.read('a'), 'text')
  now = 1_000
  assert.equal(await store.read('a'), undefined)
})

test('away, it says so, and tells watchers when it is back', async () => {
  const store = memoryResults()
  const heard: string[] = []
  await store.watch('a', (text) => heard.push(text))
  await store.write('a', 'one', () => false)
  store.goAway()
  await assert.rejects(store.read('a'), ResultStoreUnavailable)
  store.comeBack()
  assert.deepEqual(heard, ['one', 'one'])
})

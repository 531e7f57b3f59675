import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ResultStore } from '#src/ports/result-store.ts'

export interface ResultStoreUnderTest {
  /** Closed by the suite. Ids are chosen fresh, so that a shared server serves. */
  readonly store: ResultStore
  /** What Python's `GroupResult.save` would leave. */
  readonly saveGroup: (groupId: string, text: string) => Promise<void>
}

const never = (): boolean => false

/** What every result store must do. */
export function resultStoreConformance(name: string, open: () => Promise<ResultStoreUnderTest>): void {
  const withStore =
    (run: (store: ResultStore, id: string, subject: ResultStoreUnderTest) => Promise<void>) => async () => {
      const subject = await open()
      try {
        await run(subject.store, crypto.randomUUID(), subject)
      } finally {
        await subject.store[Symbol.asyncDispose]()
      }
    }

  suite(`result store: ${name}`, () => {
    test(
      'gives back what was written, exactly',
      withStore(async (store, id) => {
        assert.equal(await store.read(id), undefined)
        for (const text of ['{}', '{"a":"é☃😀\\u0000"}', `"${'x'.repeat(100_000)}"`]) {
          assert.equal(await store.write(id, text, never), true)
          assert.equal(await store.read(id), text)
        }
      }),
    )

    test(
      'keeps what it is told to keep',
      withStore(async (store, id) => {
        await store.write(id, 'done', never)
        assert.equal(await store.write(id, 'late', (stored) => stored === 'done'), false)
        assert.equal(await store.read(id), 'done')
        assert.equal(await store.write(id, 'new', (stored) => stored === 'other'), true)
        assert.equal(await store.read(id), 'new')
      }),
    )

    test(
      'a watcher hears what is there, what comes, and nothing once it has ended',
      withStore(async (store, id) => {
        await store.write(id, '1', never)
        const heard = new Heard()
        const other = new Heard()
        const watch = await store.watch(id, heard.note)
        const otherWatch = await store.watch(id, other.note)
        await heard.until('1')
        await store.write(id, '2', never)
        await Promise.all([heard.until('2'), other.until('2')])
        await watch[Symbol.asyncDispose]()
        await store.write(id, '3', never)
        await other.until('3')
        assert.equal(heard.texts.includes('3'), false)
        await otherWatch[Symbol.asyncDispose]()
      }),
    )

    test(
      'a watcher hears nothing of other tasks',
      withStore(async (store, id) => {
        const heard = new Heard()
        await using _watch = await store.watch(id, heard.note)
        await store.write(`${id}-other`, 'other', never)
        await store.write(id, 'own', never)
        await heard.until('own')
        assert.deepEqual(heard.texts, ['own'])
      }),
    )

    test(
      'counts the parts of a chord, whose size may come late',
      withStore(async (store, id) => {
        assert.deepEqual(await store.addChordPart(id, { index: 2, text: 'c' }), { count: 1, size: undefined })
        await store.setChordSize(id, 3)
        assert.deepEqual(await store.addChordPart(id, { index: 0, text: 'a' }), { count: 2, size: 3 })
        assert.deepEqual(await store.addChordPart(id, { index: 0, text: 'a' }), { count: 2, size: 3 }, 'the same again')
        assert.deepEqual(await store.addChordPart(id, { index: 1, text: 'b' }), { count: 3, size: 3 })
        assert.deepEqual(await store.chordParts(id), ['a', 'b', 'c'])
        await store.deleteChord(id)
        assert.deepEqual(await store.chordParts(id), [])
        assert.deepEqual(await store.addChordPart(id, { index: 1, text: 'b' }), { count: 1, size: undefined })
      }),
    )

    test(
      'parts without an index come last, and any number keeps its order',
      withStore(async (store, id) => {
        const texts = Array.from({ length: 30 }, (_, n) => `part ${n}`)
        await store.addChordPart(id, { index: undefined, text: 'nowhere' })
        await Promise.all(texts.toReversed().map(async (text, n) => store.addChordPart(id, { index: 29 - n, text })))
        assert.deepEqual(await store.chordParts(id), [...texts, 'nowhere'])
      }),
    )

    test(
      'reads a saved group',
      withStore(async (store, id, { saveGroup }) => {
        assert.equal(await store.readGroup(id), undefined)
        await saveGroup(id, '{"result":[]}')
        assert.equal(await store.readGroup(id), '{"result":[]}')
      }),
    )
  })
}

/** Collects texts and waits for one of them. */
class Heard {
  readonly texts: string[] = []
  #waiting: { readonly text: string; readonly resolve: () => void } | undefined

  readonly note = (text: string): void => {
    this.texts.push(text)
    if (this.#waiting?.text === text) this.#waiting.resolve()
  }

  async until(text: string): Promise<void> {
    if (this.texts.includes(text)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = { text, resolve }
    await promise
  }
}

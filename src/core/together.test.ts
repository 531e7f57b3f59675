import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { together } from './together.ts'

/** Calls that end when they are told to, each question's answer being itself, doubled. */
function calls(options: { atATime: number; most: number }) {
  const open: { questions: readonly number[]; end: (error?: Error) => void }[] = []
  const ask = together<number, number>({
    ...options,
    keyOf: (question) => (question % 2 === 0 ? 'even' : 'odd'),
    ask: (questions) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => {
          open.splice(open.indexOf(call), 1)
          if (error === undefined) resolve(questions.map((question) => 2 * question))
          else reject(error)
        }
        const call = { questions, end }
        open.push(call)
      }),
  })
  return { ask, open }
}

/** Until everything that can go on without us has. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('alone a question goes at once; those that come meanwhile go together, by their key', async () => {
  const { ask, open } = calls({ atATime: 1, most: 3 })
  const answers = Promise.all([0, 2, 4, 1, 6, 8].map(ask))
  const seen: (readonly number[])[] = []
  while (open.length > 0) {
    seen.push(open[0]!.questions)
    open[0]!.end()
    await settled()
  }
  assert.deepEqual(seen, [[0], [2, 4, 6], [1], [8]])
  assert.deepEqual(await answers, [0, 4, 8, 2, 12, 16])
})

test('a call that fails fails its own questions, and the next ones go on', async () => {
  const { ask, open } = calls({ atATime: 1, most: 3 })
  const answers = Promise.allSettled([0, 2, 4].map(ask))
  open[0]!.end()
  await settled()
  open[0]!.end(new Error('away'))
  assert.deepEqual(
    (await answers).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  const later = ask(6)
  open[0]!.end()
  assert.equal(await later, 12)
})

test('too few answers are an error, not a wait for ever', async () => {
  const ask = together<number, number>({ ask: async () => [], keyOf: String, atATime: 1, most: 1 })
  await assert.rejects(ask(1), /1 questions, 0 answers/)
})

test('each question gets its own answer, whatever ends first, within the limits', async () => {
  const limits = fc.record({ atATime: fc.integer({ min: 1, max: 4 }), most: fc.integer({ min: 1, max: 5 }) })
  const moves = fc.array(fc.oneof(fc.nat(30), fc.constant('end'), fc.constant('fail')), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(limits, moves, fc.nat(), async ({ atATime, most }, steps, choice) => {
      const { ask, open } = calls({ atATime, most })
      const answers: Promise<void>[] = []
      const finish = async (isFailure: boolean): Promise<void> => {
        open[choice % open.length]?.end(isFailure ? new Error('away') : undefined)
        await settled()
      }
      for (const step of steps) {
        if (typeof step === 'number') {
          answers.push(
            ask(step).then(
              (answer) => assert.equal(answer, 2 * step),
              (error: Error) => assert.equal(error.message, 'away'),
            ),
          )
        } else await finish(step === 'fail')
        assert.ok(open.length <= atATime)
        assert.ok(
          open.every(
            ({ questions }) => questions.length <= most && new Set(questions.map((one) => one % 2)).size === 1,
          ),
        )
      }
      while (open.length > 0) await finish(false)
      await Promise.all(answers)
    }),
  )
})

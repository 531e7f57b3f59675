export interface TogetherOptions<Question, Answer> {
  /** One call: the answers, in the order of the questions. */
  readonly ask: (questions: readonly Question[]) => Promise<readonly Answer[]>
  /** Questions of the same key can go in one call. */
  readonly keyOf: (question: Question) => string
  /** Calls under way at a time. */
  readonly atATime: number
  /** Questions in one call. */
  readonly most: number
}

interface Waiting<Question, Answer> extends Omit<PromiseWithResolvers<Answer>, 'promise'> {
  readonly question: Question
}

/**
 * Questions that come while calls are under way wait, and go together in the next: alone, a question goes at once; the
 * more come, the less each costs. A call that fails fails all of its questions.
 */
export function together<Question, Answer>(
  options: TogetherOptions<Question, Answer>,
): (question: Question) => Promise<Answer> {
  const { ask, keyOf, atATime, most } = options
  const waiting = new Map<string, Waiting<Question, Answer>[]>()
  let underWay = 0

  async function call(asked: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await ask(asked.map(({ question }) => question))
      if (answers.length !== asked.length) throw new Error(`${asked.length} questions, ${answers.length} answers`)
      asked.forEach(({ resolve }, place) => resolve(answers[place] as Answer))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
    underWay -= 1
    next()
  }

  function next(): void {
    for (const [key, queue] of waiting) {
      if (underWay >= atATime) return
      underWay += 1
      const asked = queue.splice(0, most)
      // What is left goes behind the other keys.
      waiting.delete(key)
      if (queue.length > 0) waiting.set(key, queue)
      void call(asked)
    }
  }

  return (question) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const key = keyOf(question)
    const queue = waiting.get(key) ?? []
    queue.push({ question, resolve, reject })
    waiting.set(key, queue)
    next()
    return promise
  }
}

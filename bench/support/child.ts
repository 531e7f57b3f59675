import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A script of ../spawned that answers one question at a time. */
export interface Child<Question, Answer> extends AsyncDisposable {
  readonly pid: number
  /** Rejects when the script fails or ends instead of answering. */
  ask(question: Question): Promise<Answer>
}

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string }

export function startChild<Question, Answer>(script: URL): Child<Question, Answer> {
  const child = fork(fileURLToPath(script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  return {
    pid: child.pid!,
    async ask(question) {
      const replied = Promise.withResolvers<Reply<Answer>>()
      child.once('message', (reply) => replied.resolve(reply as Reply<Answer>))
      child.send(question as object)
      const reply = await Promise.race([replied.promise, ended.then(() => ({ error: `${script.pathname} ended` }))])
      if ('error' in reply) throw new Error(reply.error)
      return reply.answer
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** The other side: answers until the parent lets go. */
export function answerParent<Question, Answer>(answer: Answerer<Question, Answer>): void {
  process.on('message', (question) => {
    answer(question as Question).then(
      (value) => process.send?.({ answer: value } satisfies Reply<Answer>),
      (error: unknown) => process.send?.({ error: describe(error) } satisfies Reply<Answer>),
    )
  })
  process.on('disconnect', () => process.exit())
}

type Answerer<Question, Answer> = (question: Question) => Promise<Answer>

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

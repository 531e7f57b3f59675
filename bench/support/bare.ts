import type { BareAnswers } from '../spawned/bare-server.ts'
import { startChild } from './child.ts'

export interface BareServer extends AsyncDisposable {
  readonly port: number
  readonly pid: number
}

/** The peer in a process of its own, which answers what it is given. */
export async function startBareServer(answers: BareAnswers): Promise<BareServer> {
  const child = startChild<BareAnswers, number>(new URL('../spawned/bare-server.ts', import.meta.url))
  const port = await child.ask(answers)
  return { port, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() }
}

import { createServer } from 'node:net'
import { Refusal } from '#src/roles/command.ts'
import { portProblem } from '#src/roles/parts/serve-api.ts'

const HOST = '127.0.0.1'

/** Told before anything is installed or started: the first thing that a second start stumbles over. */
export async function refuseTakenPort(port: number): Promise<void> {
  const problem = await tryPort(port)
  if (problem === undefined) return
  throw new Refusal(portProblem(port, problem))
}

/** `wanted` when it is free, else 0, by which the system gives any free one. */
export async function freeOrAny(wanted: number): Promise<number> {
  return wanted <= 65_535 && (await tryPort(wanted)) === undefined ? wanted : 0
}

/** The error code of listening there, undefined when it works. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    probe.listen(port, HOST, () => probe.close(() => resolve(undefined)))
  })
}

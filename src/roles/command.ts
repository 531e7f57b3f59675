import type { Env } from '#src/config/load.ts'
import type { Role } from '#src/config/settings.ts'

/** One thing that `node src/main.ts COMMAND` can do. */
export interface Command {
  readonly name: string
  /** What comes after the name, for --help. */
  readonly usage: string
  readonly summary: string
  /** Whose settings it reads; undefined for a command that reads none. */
  readonly settings: Role | undefined
  /** Loaded only when asked for: each process pays for its own parts alone. */
  readonly load: () => Promise<{ readonly run: Run }>
}

/** Returns the exit code. A `Refusal`, or another error that is expected, is told in one line by the caller. */
export type Run = (args: readonly string[], env: Env) => Promise<number>

/** Something the user can mend, in a sentence that says how: printed without a stack, exit code 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

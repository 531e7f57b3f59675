import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Heart } from '../events/heart.ts'
import type { TaskEvents } from '../events/task-events.ts'
import type { LamportClock } from '../lamport-clock.ts'
import { pythonRepr } from '../python-repr.ts'
import type { ResultKeeper } from '../results/result-keeper.ts'
import type { CeleryWorker } from '../worker.ts'
import type { ControlRequest } from './control-request.ts'
import type { RevokedTasks } from './revoked-tasks.ts'

export type Arguments = Readonly<Record<string, unknown>>

/** What commands work on. */
export interface ControlledNode {
  readonly node: string
  readonly worker: CeleryWorker
  readonly clock: LamportClock
  readonly revoked: RevokedTasks
  readonly events: TaskEvents
  readonly heart: Heart
  readonly keeper: ResultKeeper | undefined
  readonly timers: Timers
  readonly log: Logger
  readonly brokerUrl: string | undefined
  /** What `inspect conf` shows, secrets masked. */
  readonly settings: Arguments
  /** Milliseconds since 1970 UTC. */
  readonly startedAt: number
  /** A warm shutdown of the whole process, if the worker is one. */
  readonly shutdown: () => void
}

export interface Command {
  /** Arguments without which Python would raise a TypeError. */
  readonly required?: readonly string[]
  /** Its answer; undefined sends none. What it throws is answered as an error. */
  run(node: ControlledNode, args: Arguments): unknown
}

/** An answer that says in Python's own form what went wrong. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** Never throws: whoever asked learns what went wrong. */
export async function answerCommand(
  commands: ReadonlyMap<string, Command>,
  node: ControlledNode,
  request: ControlRequest,
): Promise<unknown> {
  const { method } = request
  const command = commands.get(method)
  if (command === undefined) return { error: `KeyError(${pythonRepr(method)})` }
  const missing = (command.required ?? []).filter((name) => request.arguments[name] === undefined)
  if (missing.length > 0) return { error: missingArguments(method, missing) }
  try {
    return await command.run(node, request.arguments)
  } catch (error) {
    node.log.warn({ err: error, method }, 'a remote control command failed')
    return { error: error instanceof CommandFailed ? error.message : `RuntimeError(${pythonRepr(String(error))})` }
  }
}

function missingArguments(method: string, missing: readonly string[]): string {
  const names = missing.map((name) => `'${name}'`)
  const listed = names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')}, and ${names.at(-1)}`
  const plural = missing.length === 1 ? '' : 's'
  return `TypeError("${method}() missing ${missing.length} required positional argument${plural}: ${listed}")`
}

/** One or several texts, as both may come. */
export function texts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
}

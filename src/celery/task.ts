import type { Logger } from '#src/core/logger.ts'
import type { TaskEnvelope } from './message.ts'
import { type RetryRule, RetryTask, TaskArgumentsInvalid } from './outcome.ts'

/** What a handler knows about its call. */
export interface TaskContext {
  readonly taskId: string
  /** 0 at the first try. */
  readonly retries: number
  /** The message was delivered before, to a worker that did not finish: part of the work may be done. */
  readonly redelivered: boolean
  readonly envelope: TaskEnvelope
  /** Aborted at the soft and at the hard time limit, and when the worker must stop. Pass it to everything that waits. */
  readonly signal: AbortSignal
  readonly log: Logger
  /** Ends this try, to run again `delayMs` from now (the task's own delay when absent). When no retries are left the task fails with `cause`. */
  retry(options?: { cause?: unknown; delayMs?: number }): never
  /** Stores a state of the task's own, such as `PROGRESS`, for whoever asks for its result meanwhile. */
  updateState(state: string, meta: unknown): Promise<void>
  /** Notes a task that this one has sent, for its result's `children`. */
  noteChild(taskId: string): void
}

export interface TaskDefinition<Kwargs> {
  /** As it travels in messages: a literal that never follows the name of a file or function. */
  readonly name: string
  /** True: acknowledged when done, so that a crash brings it again; it must be idempotent. @default false: acknowledged when it starts */
  readonly acksLate?: boolean
  /** With late ack: false rejects a failed task to the dead letters, and requeues one that timed out. @default true */
  readonly acksOnFailureOrTimeout?: boolean
  /** @default 3 */
  readonly maxRetries?: number
  /** @default 180000 */
  readonly retryDelayMs?: number
  /** @default 1000 */
  readonly backoffMs?: number
  /** @default 600000 */
  readonly longestBackoffMs?: number
  /** The handler's signal is aborted. @default none */
  readonly softLimitMs?: number
  /** The worker waits no longer and the task has failed. @default none */
  readonly hardLimitMs?: number
  /** Starts at most so often in each worker: `10/s`, `10/m` or `10/h`. @default no limit */
  readonly rateLimit?: string
  /** Nobody will ask for its result. @default false */
  readonly ignoreResult?: boolean
  /** Names for positional arguments, in order; a call with more of them is refused. @default [] */
  readonly positional?: readonly string[]
  /** Checks what came over the wire. What it throws refuses the message for good. */
  readonly parse: (kwargs: Readonly<Record<string, unknown>>) => Kwargs
  /** The result must be JSON. */
  readonly handler: (kwargs: Kwargs, context: TaskContext) => unknown
}

/** A task ready to be registered; what its arguments are is its own affair. */
export interface Task {
  readonly name: string
  readonly acksLate: boolean
  readonly acksOnFailureOrTimeout: boolean
  readonly softLimitMs: number | undefined
  readonly hardLimitMs: number | undefined
  readonly rateLimit: string | undefined
  readonly ignoreResult: boolean
  readonly retryRule: RetryRule
  /** @throws TaskArgumentsInvalid */
  prepare(
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ): (context: TaskContext) => Promise<unknown>
}

export function defineTask<Kwargs>(definition: TaskDefinition<Kwargs>): Task {
  const { maxRetries = 3, retryDelayMs = 180_000, backoffMs = 1_000, longestBackoffMs = 600_000 } = definition
  return {
    name: definition.name,
    acksLate: definition.acksLate ?? false,
    acksOnFailureOrTimeout: definition.acksOnFailureOrTimeout ?? true,
    softLimitMs: definition.softLimitMs,
    hardLimitMs: definition.hardLimitMs,
    rateLimit: definition.rateLimit,
    ignoreResult: definition.ignoreResult ?? false,
    retryRule: { maxRetries, retryDelayMs, backoffMs, longestBackoffMs },
    prepare(args, kwargs) {
      const parsed = parseArguments(definition, args, kwargs)
      return async (context) => definition.handler(parsed, context)
    },
  }
}

function parseArguments<Kwargs>(
  { name, positional = [], parse }: TaskDefinition<Kwargs>,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): Kwargs {
  if (args.length > positional.length) {
    throw new TaskArgumentsInvalid(`${name} takes ${positional.length} positional arguments, not ${args.length}`)
  }
  const named: Record<string, unknown> = { ...kwargs }
  for (const [index, value] of args.entries()) {
    const key = positional[index] ?? ''
    if (Object.hasOwn(kwargs, key)) throw new TaskArgumentsInvalid(`${name} got two values for ${key}`)
    named[key] = value
  }
  try {
    return parse(named)
  } catch (error) {
    throw new TaskArgumentsInvalid(`${name} does not take these arguments`, { cause: error })
  }
}

/** The tasks of a worker by name. @throws Error when two have one name */
export function taskRegistry(tasks: readonly Task[]): ReadonlyMap<string, Task> {
  const registry = new Map(tasks.map((task) => [task.name, task]))
  if (registry.size < tasks.length) throw new Error('two tasks have one name')
  return registry
}

/** Ends the try, as a Retry that the worker understands. */
export function retry(options?: { cause?: unknown; delayMs?: number }): never {
  throw new RetryTask(options)
}

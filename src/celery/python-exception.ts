import { AppError } from '#src/core/errors.ts'
import {
  EncodeError,
  NotRegistered,
  RetryTask,
  SoftTimeLimitExceeded,
  TaskArgumentsInvalid,
  TaskRevoked,
  TimeLimitExceeded,
  WorkerShutdown,
} from './outcome.ts'
import { isWritable } from './python-json.ts'
import { pythonRepr } from './python-repr.ts'

/** An exception as Python would raise it: `new PythonException('ValueError', ['bad thing', 42])`. Handlers may throw one; results give them back. */
export class PythonException extends Error {
  override readonly name: string
  readonly args: readonly unknown[]
  /** Where Python finds the class, such as `builtins`. */
  readonly module: string

  constructor(name: string, args: readonly unknown[], options: { module?: string; cause?: unknown } = {}) {
    super(args.map((arg) => (typeof arg === 'string' ? arg : pythonRepr(arg))).join(', '), { cause: options.cause })
    this.name = name
    this.args = args
    this.module = options.module ?? 'builtins'
  }
}

/** An error, as results and events tell it. */
export interface ExceptionText {
  readonly type: string
  readonly args: readonly unknown[]
  readonly module: string
  /** Our stack; null for what did not happen in a handler. */
  readonly traceback: string | null
}

/**
 * The module of errors that Python has no class for. It must not be one that a client has imported: then Python makes
 * up a class of the same name, instead of looking for it there.
 */
const FOREIGN_MODULE = 'node.errors'

/** Python's own exceptions that take any arguments. A JavaScript error of the same name is raised as the real class. */
const BUILTINS: ReadonlySet<string> = new Set(
  'ArithmeticError AssertionError AttributeError BufferError ConnectionError EOFError Exception FloatingPointError IndexError KeyError LookupError MemoryError NameError NotImplementedError OSError OverflowError PermissionError RecursionError ReferenceError RuntimeError TimeoutError TypeError ValueError ZeroDivisionError'.split(
    ' ',
  ),
)

export function describeException(error: unknown): ExceptionText {
  const described = ownException(error) ?? foreignException(error)
  return isWritable(described.args) ? described : { ...described, args: [pythonRepr(described.args)] }
}

/** `ValueError('bad thing', 42)` */
export function exceptionRepr({ type, args }: Pick<ExceptionText, 'type' | 'args'>): string {
  return `${type}(${args.map(pythonRepr).join(', ')})`
}

/** What Celery itself would say, under Celery's names. */
function ownException(error: unknown): ExceptionText | undefined {
  const inCelery = (type: string, args: readonly unknown[], traceback: string | null = null): ExceptionText => ({
    type,
    args,
    module: 'celery.exceptions',
    traceback,
  })
  if (error instanceof NotRegistered) return inCelery('NotRegistered', [error.task])
  if (error instanceof TaskRevoked) return inCelery('TaskRevokedError', [error.reason])
  if (error instanceof RetryTask) return inCelery('Retry', [error.message], stackOf(error))
  if (error instanceof EncodeError) {
    return { type: 'EncodeError', args: [error.message], module: 'kombu.exceptions', traceback: stackOf(error) }
  }
  const inBilliard = { module: 'billiard.exceptions', traceback: null }
  if (error instanceof TimeLimitExceeded)
    return { ...inBilliard, type: 'TimeLimitExceeded', args: [error.limitSeconds] }
  if (error instanceof SoftTimeLimitExceeded) {
    return { ...inBilliard, type: 'SoftTimeLimitExceeded', args: [], traceback: stackOf(error) }
  }
  if (error instanceof WorkerShutdown) return { ...inBilliard, type: 'WorkerLostError', args: [error.message] }
  return undefined
}

function foreignException(error: unknown): ExceptionText {
  if (!(error instanceof Error)) {
    return { type: 'Error', args: [error ?? null], module: FOREIGN_MODULE, traceback: pythonRepr(error) }
  }
  const traceback = stackOf(error)
  if (error instanceof PythonException) return { type: error.name, args: error.args, module: error.module, traceback }
  if (error instanceof TaskArgumentsInvalid) {
    return { type: 'TypeError', args: [error.message], module: 'builtins', traceback }
  }
  if (error instanceof AppError) {
    return { type: 'AppError', args: [error.code, error.text.en], module: FOREIGN_MODULE, traceback }
  }
  const type = /^[A-Za-z_]\w*$/.test(error.name) ? error.name : 'Error'
  return { type, args: [error.message], module: BUILTINS.has(type) ? 'builtins' : FOREIGN_MODULE, traceback }
}

/** With the causes, as Python's own tracebacks have them. */
function stackOf(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause instanceof Error ? `${own}\nCaused by: ${stackOf(error.cause)}` : own
}

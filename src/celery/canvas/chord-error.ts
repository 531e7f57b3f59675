import { exceptionRepr, PythonException } from '../python-exception.ts'

/** Why the body of a chord will not run. */
export function chordError(message: string): PythonException {
  return new PythonException('ChordError', [message], { module: 'celery.exceptions' })
}

/** @param result the error of a part, as results tell it */
export function dependencyFailed(taskId: string, result: unknown): PythonException {
  const { exc_type: type, exc_message: args } = (result ?? {}) as { exc_type?: unknown; exc_message?: unknown }
  const repr = exceptionRepr({
    type: typeof type === 'string' ? type : 'Exception',
    args: Array.isArray(args) ? args : [args ?? null],
  })
  return chordError(`Dependency ${taskId} raised ${repr}`)
}

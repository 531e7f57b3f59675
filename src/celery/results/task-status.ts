import { decodeResult, isFinal } from './result-text.ts'

/** A task's state in an answer to people. */
export interface TaskStatus {
  readonly task_id: string
  /** PENDING is a task that nobody has heard of: not begun, long forgotten, or never sent. */
  readonly state: string
  /** What it returned; null without success. */
  readonly result: unknown
  readonly error: { readonly type: string; readonly message: string } | null
  /** ISO 8601, UTC. */
  readonly done_at: string | null
}

/** @param text what the result store has under the id */
export function taskStatus(taskId: string, text: string | undefined): TaskStatus {
  const record = text === undefined ? undefined : decodeResult(text)
  if (record === undefined) return { task_id: taskId, state: 'PENDING', result: null, error: null, done_at: null }
  const { status, doneAt } = record
  const isError = status === 'RETRY' || (isFinal(status) && status !== 'SUCCESS')
  return {
    task_id: taskId,
    state: status,
    result: status === 'SUCCESS' ? record.result : null,
    error: isError ? errorOf(record.result) : null,
    done_at: doneAt === null ? null : new Date(doneAt).toISOString(),
  }
}

function errorOf(result: unknown): TaskStatus['error'] {
  const { exc_type: type, exc_message: args } = (result ?? {}) as { exc_type?: unknown; exc_message?: unknown }
  const texts = (Array.isArray(args) ? args : [args]).filter((arg) => arg !== null && arg !== undefined).map(String)
  return { type: typeof type === 'string' ? type : 'Error', message: texts.join(', ') }
}

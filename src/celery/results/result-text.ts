import { describeException } from '../python-exception.ts'
import { readPythonJson, unwrapPythonTypes, writePythonJson } from '../python-json.ts'
import { formatPythonTime, parsePythonTime } from '../python-time.ts'

/** PENDING is nothing stored. A task may have states of its own besides. */
export type ResultState = 'STARTED' | 'RETRY' | 'SUCCESS' | 'FAILURE' | 'REVOKED' | (string & {})

/** What a client finds under a task's id. */
export interface ResultRecord {
  readonly taskId: string
  readonly status: ResultState
  readonly result: unknown
  readonly traceback: string | null
  /** Ids of the tasks that it sent. */
  readonly children: readonly string[]
  /** Milliseconds since 1970 UTC; null while it may still change. */
  readonly doneAt: number | null
  readonly groupId: string | null
  readonly parentId: string | null
  /** What Celery adds with `result_extended`. */
  readonly extended?: ExtendedResult
}

export interface ExtendedResult {
  readonly name: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly worker: string
  readonly retries: number
  readonly queue: string
}

/** The states that are for good. */
export function isFinal(status: ResultState): boolean {
  return status === 'SUCCESS' || status === 'FAILURE' || status === 'REVOKED'
}

/** An error as clients rebuild it. Never null: Python then raises nonsense instead of the error. */
export function exceptionResult(error: unknown): Readonly<Record<string, unknown>> {
  const { type, args, module } = describeException(error)
  return { exc_type: type, exc_message: args, exc_module: module }
}

/** @throws JsonUnwritable */
export function encodeResult(record: ResultRecord): string {
  return writePythonJson({
    status: record.status,
    result: record.result,
    traceback: record.traceback,
    children: record.children.map((id) => [[id, null], null]),
    date_done: record.doneAt === null ? null : formatPythonTime(record.doneAt),
    ...(record.groupId === null ? {} : { group_id: record.groupId }),
    ...(record.parentId === null ? {} : { parent_id: record.parentId }),
    ...record.extended,
    task_id: record.taskId,
  })
}

/** Undefined when the text is no result. Python's own types come as `unwrapPythonTypes` has them. */
export function decodeResult(text: string): ResultRecord | undefined {
  const fields = readFields(text)
  const status = fields?.['status']
  if (fields === undefined || typeof status !== 'string') return undefined
  return {
    taskId: textOr(fields['task_id'], ''),
    status,
    result: unwrapPythonTypes(fields['result'] ?? null),
    traceback: textOr(fields['traceback'], null),
    children: childIds(fields['children']),
    doneAt: parsePythonTime(textOr(fields['date_done'], '')) ?? null,
    groupId: textOr(fields['group_id'], null),
    parentId: textOr(fields['parent_id'], null),
  }
}

/** A success is for good: a late word of another try never replaces it. */
export function isSuccessText(text: string): boolean {
  return readFields(text)?.['status'] === 'SUCCESS'
}

function readFields(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = readPythonJson(text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise
}

/** `[[[id, null], null], …]` */
function childIds(children: unknown): string[] {
  const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined)
  return Array.isArray(children)
    ? children.map((child) => first(first(child))).filter((id) => typeof id === 'string')
    : []
}

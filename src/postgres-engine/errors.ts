import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** Why the embedded PostgreSQL did not start: `message` is one sentence that says what to do about it. */
export class PostgresEngineError extends Error {
  override readonly name = 'PostgresEngineError'
  readonly reason: PostgresEngineFailure

  constructor(reason: PostgresEngineFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export type PostgresEngineFailure =
  | 'unsupported_platform'
  | 'binaries_missing'
  | 'other_version'
  | 'not_a_data_folder'
  | 'no_access'
  | 'no_space'
  | 'port_taken'
  | 'in_use'
  | 'failed'

/** Turns what initdb or postgres printed before they gave up into one sentence. */
export function explainFailure(output: readonly string[], dataDir: string, port: number): PostgresEngineError {
  const text = output.join('\n')
  if (text.includes('No space left on device') || text.includes('Disk quota exceeded')) return noSpace(dataDir)
  if (/Address already in use/.test(text)) {
    return new PostgresEngineError('port_taken', `Port ${port} is taken: the embedded PostgreSQL cannot listen on it`)
  }
  if (/Permission denied|Read-only file system/.test(text)) return noAccess(dataDir)
  const decisive = output.findLast((line) => /FATAL|PANIC|error:/.test(line)) ?? output.at(-1) ?? 'it said nothing'
  const reason = decisive.replace(/^.*?(?:FATAL|PANIC|error):\s*/, '').trim()
  return new PostgresEngineError('failed', `The embedded PostgreSQL did not start in ${dataDir}: ${reason}`)
}

/** The same for a failed call of ours to the file system. */
export function explainFileError(error: unknown, path: string): PostgresEngineError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(path, error)
  // Node says ENOENT where a chain of folders cannot be made on a read-only disk.
  if (['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes(code ?? '')) return noAccess(path, error)
  return new PostgresEngineError('failed', `The database folder ${path} cannot be used: ${message}`, { cause: error })
}

function noAccess(path: string, cause?: unknown): PostgresEngineError {
  const message = `The database folder ${path} cannot be written: check who owns it and its parent folders`
  return new PostgresEngineError('no_access', message, { cause })
}

function noSpace(path: string, cause?: unknown): PostgresEngineError {
  const free = freeMebibytes(path)
  const left = free === undefined ? '' : ` (${free} MiB free there)`
  return new PostgresEngineError('no_space', `No disk space is left for the database in ${path}${left}`, { cause })
}

function freeMebibytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path)
    return Math.floor((bavail * bsize) / 2 ** 20)
  } catch {
    return dirname(path) === path ? undefined : freeMebibytes(dirname(path))
  }
}

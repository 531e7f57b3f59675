import { parseArgs } from 'node:util'
import { isUuid } from '#src/core/uuid.ts'
import type { Db } from '#src/database/database.ts'
import { databaseProblem } from '#src/database/errors.ts'
import { notificationStatus } from '#src/modules/notifications/status.ts'
import { Refusal, type Run } from './command.ts'
import { lineScreen, redrawnScreen } from './notifications/screens.ts'
import { watch } from './notifications/watch.ts'
import { stopSignal } from './stop-signal.ts'
import { withDatabase } from './with-database.ts'

const USAGE = 'notifications takes: watch ID'
const LOOK_EVERY_MS = 500
/** As a shell says of a program that was stopped by the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** Exit code 0 when the notification is done, 1 when it was cancelled or is not known. */
export const run: Run = async (args, env) => {
  const [action, id, ...rest] = parseArgs({ args: [...args], allowPositionals: true }).positionals
  if (action !== 'watch' || id === undefined || rest.length > 0) throw new Refusal(USAGE)
  if (!isUuid(id)) throw new Refusal(`${id} is no id of a notification: it is the id that POST /notifications answered`)
  const { stdout } = process
  const screen = stdout.isTTY && env['TERM'] !== 'dumb' ? redrawnScreen(stdout, speaksUnicode(env)) : lineScreen(stdout)
  const stopping = new AbortController()
  void stopSignal().then((signal) => stopping.abort(signal))
  // Standard output is for the progress: what the log tells of the connection would tear it.
  const end = await withDatabase({ LOG_LEVEL: 'error', ...env }, (db) =>
    watch({ read: () => statusOf(db, id), screen, everyMs: LOOK_EVERY_MS, signal: stopping.signal }),
  )
  if (end === 'unknown') throw new Refusal(`there is no notification ${id}`)
  if (end === 'stopped') return EXIT_CODES[stopping.signal.reason as keyof typeof EXIT_CODES]
  return end === 'done' ? 0 : 1
}

async function statusOf(db: Db, id: string) {
  try {
    return await notificationStatus(db, id, new Date())
  } catch (error) {
    throw databaseProblem(error) ?? error
  }
}

function speaksUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '')
  return /utf-?8/i.test(locale ?? '')
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWatched } from '#src/processes/watched-process.ts'
import type { PushCountsView } from '#src/simulators/fcm/push-counts.ts'
import type { ReceivedCounts } from '#src/simulators/fcm/received.ts'

/** The FCM simulator in a process of its own, which counts pushes and keeps those to watched devices alone. */
export interface FcmProcess extends AsyncDisposable {
  readonly pid: number
  readonly baseUrl: string
  readonly credentialsFile: string
  readonly caFile: string
  /** What it was asked, by outcome. */
  counts(): Promise<ReceivedCounts>
  /** How many pushes were accepted once, twice and so on. */
  pushes(): Promise<PushCountsView>
  /** When the push of each notification to a watched device arrived, in milliseconds since 1970 UTC. */
  watched(): Promise<Map<string, number>>
  /** Counts from nothing again. */
  clear(): Promise<void>
}

/** Of the targets of devices whose messages are kept. */
export const WATCHED_PREFIX = 'watched-'
const PAGE = 1_000
const MAIN = join(import.meta.dirname, '../../src/main.ts')
const STOP_LIMIT_MS = 5_000
const LINES = {
  baseUrl: /^simulator fcm ready on (\S+)$/,
  credentialsFile: /^ {2}service account {2}(\S+)$/,
  caFile: /^ {2}CA file +(\S+)$/,
  controlUrl: /^ {2}control +(\S+)$/,
}

interface WatchedPage {
  readonly items: readonly {
    readonly received_at: string
    readonly message: { readonly data: Readonly<Record<string, string>> }
  }[]
  readonly next_since: number | null
}

export async function startFcmProcess(): Promise<FcmProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'samaconso-fcm-'))
  const told: Partial<Record<keyof typeof LINES, string>> = {}
  const printed: string[] = []
  const ready = Promise.withResolvers<void>()
  const child = startWatched({
    command: process.execPath,
    // Node's HTTP/2 makes an error for each stream that was answered: without traces it costs a seventh less.
    args: [
      '--stack-trace-limit=0',
      MAIN,
      'simulate',
      'fcm',
      '--port',
      '0',
      '--dir',
      dir,
      '--counts-only',
      '--but',
      WATCHED_PREFIX,
    ],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stopSignals: ['SIGTERM'],
    graceMs: STOP_LIMIT_MS,
    onLine: (line) => {
      printed.push(line)
      for (const [name, pattern] of Object.entries(LINES)) {
        const [, value] = pattern.exec(line) ?? []
        if (value !== undefined) told[name as keyof typeof LINES] = value
      }
      if (Object.keys(told).length === Object.keys(LINES).length) ready.resolve()
    },
  })
  void child.exited.then(() => ready.reject(new Error(`the FCM simulator ended at its start:\n${printed.join('\n')}`)))
  await ready.promise
  const { controlUrl, ...addresses } = told as Record<keyof typeof LINES, string>
  const ask = async (path: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`${controlUrl}${path}`, { method })).json()
  return {
    pid: child.pid,
    ...addresses,
    counts: async () => (await ask('/messages/count')) as ReceivedCounts,
    pushes: async () => (await ask('/pushes/count')) as PushCountsView,
    async watched() {
      const arrivals = new Map<string, number>()
      let since: number | null = 0
      while (since !== null) {
        const page = (await ask(`/messages?since=${since}&limit=${PAGE}`)) as WatchedPage
        for (const { message, received_at: at } of page.items) {
          const id = message.data['notification_id']
          if (id !== undefined && !arrivals.has(id)) arrivals.set(id, Date.parse(at))
        }
        since = page.next_since
      }
      return arrivals
    },
    clear: async () => void (await ask('/messages', 'DELETE')),
    async [Symbol.asyncDispose]() {
      await child.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Queries as our code does: Kysely over a pool of pg, each by primary key, the next as soon as the answer is there. */
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { answerParent } from '../support/child.ts'
import { ascending, percentile } from '../support/spread.ts'

export interface QueryLoop {
  readonly url: string
  /** Of the accounts to look up. */
  readonly ids: readonly string[]
  readonly connections: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

export interface QueryLoopResult {
  readonly queriesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of this process: 1 is all that an event loop can. */
  readonly cores: number
}

answerParent(async ({ url, ids, connections, warmUpMs, measuredMs }: QueryLoop): Promise<QueryLoopResult> => {
  const database = openDatabase({ url, log: createLogger('warn', process.stderr), maxConnections: connections })
  let asked = 0
  let latencies: number[] = []
  const over = new AbortController()
  const ask = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const startedAt = performance.now()
      const id = ids[asked++ % ids.length]!
      await database.db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      latencies.push(performance.now() - startedAt)
    }
  }
  const asking = Promise.all(Array.from({ length: connections }, ask))
  await pause(warmUpMs)
  latencies = []
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  await pause(measuredMs)
  const [elapsedMs, { user, system }] = [performance.now() - startedAt, process.cpuUsage(cpu)]
  const sorted = ascending(latencies)
  over.abort()
  await asking
  await database.close()
  return {
    queriesPerSecond: (sorted.length / elapsedMs) * 1_000,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    cores: (user + system) / 1_000 / elapsedMs,
  }
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/**
 * Does PgBouncer hold the seed's 10,000 clients open with its pool of 100? What do they cost it, what do those that
 * query feel of those that do not, and what if all of them ask at once?
 */
import type { ClientsOrder } from './spawned/idle-clients.ts'
import type { QueryLoop, QueryLoopResult } from './spawned/query-loop.ts'
import { startChild } from './support/child.ts'
import { type DatabaseEngines, databaseEngines } from './support/database-engines.ts'
import { openedResources } from './support/opened.ts'
import { childNamed, memoryOfMib } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'

const CLIENTS = 10_000
/** As many as a process of ours has. */
const QUERYING = 10
/** A process may have 20,000 files open, and one alone would take long to log them all in. */
const HOLDERS = 2
const ROUNDS = 3
const TIMES = { warmUpMs: 300, measuredMs: 1_500 }
const MEMORY_LIMIT_MIB = 512
const QUERY = 'select count(*) from account where id is null'

interface State {
  readonly held: number
  readonly memoryMib: number
  readonly loops: readonly QueryLoopResult[]
}

interface Measured {
  readonly few: State
  readonly many: State
  readonly openMs: number
  readonly allAtOnceMs: readonly number[]
  readonly allAtOnceTookMs: number
  readonly memoryAfterMib: number
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const engines = await databaseEngines(opened)
  const pgbouncer = childNamed('pgbouncer')
  const loop = opened.use(startChild<QueryLoop, QueryLoopResult>(new URL('spawned/query-loop.ts', import.meta.url)))
  const holders = Array.from({ length: HOLDERS }, () =>
    opened.use(startChild<ClientsOrder, number[]>(new URL('spawned/idle-clients.ts', import.meta.url))),
  )
  const tell = (order: ClientsOrder): Promise<number[][]> => Promise.all(holders.map((holder) => holder.ask(order)))
  const state = async (held: number): Promise<State> => ({
    held,
    loops: await queryLoops(engines, (order) => loop.ask(order)),
    memoryMib: memoryOfMib(pgbouncer),
  })
  const few = await state(0)
  const held = CLIENTS - QUERYING
  const startedAt = performance.now()
  await tell({ step: 'open', url: engines.pooledUrl, clients: held / HOLDERS })
  const openMs = performance.now() - startedAt
  const many = await state(held)
  const askedAt = performance.now()
  const allAtOnceMs = ascending((await tell({ step: 'ask', query: QUERY })).flat())
  const allAtOnceTookMs = performance.now() - askedAt
  const memoryAfterMib = memoryOfMib(pgbouncer)
  await tell({ step: 'close' })
  return findings({ few, many, openMs, allAtOnceMs, allAtOnceTookMs, memoryAfterMib })
}

async function queryLoops(
  { pooledUrl, accountIds }: DatabaseEngines,
  run: (order: QueryLoop) => Promise<QueryLoopResult>,
): Promise<QueryLoopResult[]> {
  const loops: QueryLoopResult[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    loops.push(await run({ url: pooledUrl, ids: accountIds, connections: QUERYING, ...TIMES }))
  }
  return loops
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(measured: Measured): Findings {
  const { few, many, openMs, allAtOnceMs, allAtOnceTookMs, memoryAfterMib } = measured
  const of = ({ loops }: State, field: keyof QueryLoopResult): string => shown(spreadOf(loops.map((one) => one[field])))
  const perClientKib = ((many.memoryMib - few.memoryMib) / many.held) * 1_024
  return {
    tables: [
      {
        title: `Lookups by key by ${QUERYING} clients of PgBouncer`,
        columns: ['idle clients beside', 'queries/s', 'P50 ms', 'P99 ms', 'memory of PgBouncer, MiB'],
        rows: [few, many].map((state) => [
          figure(state.held),
          of(state, 'queriesPerSecond'),
          of(state, 'p50Ms'),
          of(state, 'p99Ms'),
          figure(state.memoryMib),
        ]),
      },
      {
        title: `All ${figure(many.held)} ask at the same moment, over the pool of 100`,
        columns: ['answered', 'all within ms', 'P50 ms', 'P99 ms', 'memory of PgBouncer after, MiB'],
        rows: [
          [
            figure(allAtOnceMs.length),
            figure(allAtOnceTookMs),
            ...[50, 99].map((percent) => figure(percentile(allAtOnceMs, percent))),
            figure(memoryAfterMib),
          ],
        ],
      },
    ],
    limits: [
      {
        what: 'clients held open',
        measured: figure(many.held + QUERYING),
        limit: figure(CLIENTS),
        isMet: many.held + QUERYING === CLIENTS,
      },
      {
        what: "PgBouncer's memory after that, MiB",
        measured: figure(memoryAfterMib),
        limit: `< ${MEMORY_LIMIT_MIB}`,
        isMet: memoryAfterMib < MEMORY_LIMIT_MIB,
      },
      {
        what: 'answered when all ask at once',
        measured: figure(allAtOnceMs.length),
        limit: figure(many.held),
        isMet: allAtOnceMs.length === many.held,
      },
    ],
    notes: [
      `Median of ${ROUNDS} rounds (least–most). ${QUERYING} connections query and ${figure(many.held)} are idle: ${figure(CLIENTS)} is PgBouncer's own limit, as the seed has it, and its memory there 512 MB.`,
      `The idle ones took ${figure(openMs / 1_000)} s to log in, with a key derivation on both sides each; an idle one costs PgBouncer ${figure(perClientKib)} KiB.`,
    ],
    raw: { ...measured, allAtOnceMs: undefined },
  }
}

await runBenchmark(
  'pgbouncer-clients',
  `What do ${figure(CLIENTS)} clients held open cost PgBouncer with its pool of 100, and those who query beside them?`,
  measure,
)

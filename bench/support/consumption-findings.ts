import type { ClosedLoopResult } from '../spawned/closed-loop.ts'
import { FASTAPI } from './fastapi-peer.ts'
import type { Findings, Limit } from './report.ts'
import { ascending, percentile, ratios, type Spread, spreadOf } from './spread.ts'
import { figure, type Table } from './table.ts'

export interface ConsumptionRound {
  readonly bare: ClosedLoopResult
  /** One customer again and again: from the copy in the process. */
  readonly hitCopied: ClosedLoopResult
  /** One after the other: fetched from Redis. */
  readonly hitRedis: ClosedLoopResult
  readonly hitMemory: ClosedLoopResult
  readonly hitPeer: ClosedLoopResult
  readonly miss: ClosedLoopResult
  readonly missPeer: ClosedLoopResult
  /** Runs of all the statements of a miss per second; undefined where the program is not installed. */
  readonly pgbench: number | undefined
  readonly pgbenchDirect: number | undefined
}

export interface SourceReads {
  readonly latenciesMs: readonly number[]
  readonly failures: number
  readonly atATime: number
  readonly delayMs: number
}

export interface ConsumptionMeasured {
  readonly rounds: readonly ConsumptionRound[]
  readonly source: SourceReads
  readonly stampede: { requests: number; sourceQueries: number; answered: number }
  readonly connections: number
  readonly databaseConnections: number
  readonly customers: number
}

const LEAST = { hitOfBare: 0.6, missOfPgbench: 0.4, timesPeer: 6 }

type Loops = Exclude<keyof ConsumptionRound, 'pgbench' | 'pgbenchDirect'>

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

export function consumptionFindings(measured: ConsumptionMeasured): Findings {
  const { rounds, source, stampede } = measured
  const speeds = (side: Loops): number[] => rounds.map((round) => round[side].requestsPerSecond)
  const scripts = (side: 'pgbench' | 'pgbenchDirect'): number[] => rounds.flatMap((round) => round[side] ?? [])
  const share = (what: string, ours: readonly number[], peer: readonly number[], least: number): Limit => {
    const spread = peer.length === 0 ? undefined : spreadOf(ratios(ours, peer))
    const limit = `≥ ${least}`
    if (spread === undefined) return { what, measured: 'the peer is not installed', limit, isMet: false }
    return { what, measured: shown(spread), limit, isMet: spread.median >= least }
  }
  const failures = rounds
    .flatMap(({ pgbench: _through, pgbenchDirect: _direct, ...loops }) => Object.values(loops))
    .reduce((sum, loop) => sum + loop.failures, source.failures)
  return {
    tables: [speedTable(rounds, speeds, scripts), sourceTable(source)],
    limits: [
      share('hit with Redis: share of bare node:http', speeds('hitCopied'), speeds('bare'), LEAST.hitOfBare),
      share('hit in memory: share of bare node:http', speeds('hitMemory'), speeds('bare'), LEAST.hitOfBare),
      share('served by PostgreSQL: share of pgbench', speeds('miss'), scripts('pgbench'), LEAST.missOfPgbench),
      share(`hit with Redis: times ${FASTAPI}`, speeds('hitCopied'), speeds('hitPeer'), LEAST.timesPeer),
      share(`hit fetched from Redis: times ${FASTAPI}`, speeds('hitRedis'), speeds('hitPeer'), LEAST.timesPeer),
      share(`served by PostgreSQL: times ${FASTAPI}`, speeds('miss'), speeds('missPeer'), LEAST.timesPeer),
      {
        what: `source queries for ${figure(stampede.requests)} requests at once for one cold customer, over two instances`,
        measured: `${stampede.sourceQueries}; ${stampede.answered} answered`,
        limit: '1; all answered',
        isMet: stampede.sourceQueries === 1 && stampede.answered === stampede.requests,
      },
      { what: 'requests that failed', measured: String(failures), limit: '0', isMet: failures === 0 },
    ],
    notes: notesOf(measured),
    raw: { rounds, source, stampede },
  }
}

function speedTable(
  rounds: readonly ConsumptionRound[],
  speeds: (side: Loops) => number[],
  scripts: (side: 'pgbench' | 'pgbenchDirect') => number[],
): Table {
  const medianOf = (side: Loops, field: 'p50Ms' | 'p99Ms' | 'serverCpuMicros' | 'serverCores'): string =>
    figure(spreadOf(rounds.map((round) => round[side][field])).median)
  const row = (label: string, side: Loops): string[] => [
    label,
    shown(spreadOf(speeds(side))),
    medianOf(side, 'p50Ms'),
    medianOf(side, 'p99Ms'),
    medianOf(side, 'serverCpuMicros'),
    medianOf(side, 'serverCores'),
  ]
  const program = (label: string, side: 'pgbench' | 'pgbenchDirect'): string[] => {
    const values = scripts(side)
    return [label, values.length === 0 ? 'not installed' : shown(spreadOf(values)), '', '', '', '']
  }
  return {
    title: 'Answers per second of one process',
    columns: ['what', 'per second', 'P50 ms', 'P99 ms', 'CPU µs each', 'cores'],
    rows: [
      row('bare node:http, the same bytes', 'bare'),
      row('ours, hit with Redis (copied into the process)', 'hitCopied'),
      row('ours, hit fetched from Redis', 'hitRedis'),
      row('ours, hit in memory (embedded mode)', 'hitMemory'),
      row(`${FASTAPI}, hit`, 'hitPeer'),
      row('ours, served by PostgreSQL', 'miss'),
      row(`${FASTAPI}, served by PostgreSQL`, 'missPeer'),
      program("pgbench, a miss's statements, through PgBouncer", 'pgbench'),
      program("pgbench, a miss's statements, past PgBouncer", 'pgbenchDirect'),
    ],
  }
}

function sourceTable({ latenciesMs, delayMs, atATime }: SourceReads): Table {
  const sorted = ascending(latenciesMs)
  const at = (percent: number): string => figure(percentile(sorted, percent))
  return {
    title: `Asked of a source that takes ${delayMs} ms, ${atATime} at a time, in ms`,
    columns: ['what', 'requests', 'P50', 'P95', 'P99'],
    rows: [['ours, read from SIC, stored and answered', String(sorted.length), at(50), at(95), at(99)]],
  }
}

function notesOf({ rounds, connections, databaseConnections, customers }: ConsumptionMeasured): string[] {
  return [
    `Median of ${rounds.length} rounds (least–most) at ${connections} connections, all one after the other in each; shares are taken within a round. Load generator and servers share the cores.`,
    `"Served by PostgreSQL" goes through ${figure(customers)} customers with three years of consumption each, the cache emptied before; ours through PgBouncer with unnamed statements, FastAPI past it with prepared ones, ${databaseConnections} connections each.`,
    'pgbench runs the statements that the product sends for such a read, recorded from it, for 100 customers in turn, in the extended protocol; a miss also verifies a token, asks Redis thrice and stores the answer there. Ours asks for several customers in one statement when they come while others are under way.',
    'A hit with Redis is one customer asked for again and again: answered from the copy that the process keeps until Redis tells of a change. "Fetched from Redis" goes through 12,000 customers, more than the copies hold. FastAPI asks Redis each time.',
    `${FASTAPI}: one process, uvloop, httptools, orjson, no access log; its bodies were compared with ours, byte for byte, before.`,
  ]
}

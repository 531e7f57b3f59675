import type { Sample } from '../spawned/open-loop.ts'
import { ENDPOINTS, type Percentiles } from './endpoints.ts'
import type { Findings, Limit } from './report.ts'
import { ascending, percentile, type Spread, spreadOf } from './spread.ts'
import { figure, type Table } from './table.ts'

export interface LatencyRound {
  readonly ours: readonly Sample[]
  readonly bare: readonly Sample[]
  /** What the whole system used in the round, PostgreSQL and simulators included. */
  readonly cpuMs: number
}

/** Below half of the seed's figures. */
const SHARE_OF_SEED = 0.5
const POINTS = ['p50', 'p95', 'p99'] as const

type Spreads = Readonly<Record<keyof Percentiles, Spread>>

interface Row {
  readonly label: string
  readonly seed: Percentiles
  readonly count: number
  readonly ours: Spreads
  readonly bare: Spreads
}

export function latencyFindings(
  rounds: readonly LatencyRound[],
  load: { perSecond: number; customers: number; seconds: number },
): Findings {
  const ours = rounds.map((round) => round.ours)
  const rows = ENDPOINTS.map(({ label, seed }) => ({
    label,
    seed,
    count: of(ours.flat(), label).length,
    ours: spreads(ours.map((samples) => of(samples, label))),
    bare: spreads(rounds.map(({ bare }) => of(bare, label))),
  }))
  const failed = rounds
    .flatMap((round) => [...round.ours, ...round.bare])
    .filter(({ status }) => status < 200 || status > 299)
  return {
    tables: [mainTable(rows), cacheTable(ours.flat())],
    limits: [
      ...rows.map(limitOf),
      { what: 'requests that failed', measured: describeFailures(failed), limit: '0', isMet: failed.length === 0 },
    ],
    notes: [
      `${load.perSecond} requests/s sent at a constant rate, each counted from the moment at which it was to be sent, over ${load.customers.toLocaleString('en-US')} customers with a meter and three years of sales each.`,
      `Median of ${rounds.length} rounds of ${load.seconds} s (least–most); before each the bare server answered the same mix, with what ours had answered.`,
      `The whole system used ${figure(spreadOf(rounds.map(({ cpuMs }) => cpuMs / 1_000 / load.seconds)).median)} cores meanwhile.`,
      'At the start the cache is empty and PostgreSQL knows every customer as of the last quarter of an hour, so that about one meter a second falls due and is read from SIC by TDS; logins record the device and open a session; notifications leave through outbox, broker, worker and FCM beside.',
    ],
    raw: { rows, failures: failed.length },
  }
}

const of = (samples: readonly Sample[], label: string): Sample[] => samples.filter((sample) => sample.label === label)

function spreads(rounds: readonly (readonly Sample[])[]): Spreads {
  const sorted = rounds.map((samples) => ascending(samples.map(({ latencyMs }) => latencyMs)))
  const at = (percent: number): Spread => spreadOf(sorted.map((latencies) => percentile(latencies, percent)))
  return { p50: at(50), p95: at(95), p99: at(99) }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`
const medians = (spread: Spreads): string => POINTS.map((point) => figure(spread[point].median)).join(' / ')

function mainTable(rows: readonly Row[]): Table {
  return {
    title: 'Latency in ms',
    columns: ['endpoint', 'requests', 'P50', 'P95', 'P99', 'bare node:http P50 / P95 / P99', 'seed'],
    rows: rows.map(({ label, count, ours, bare, seed }) => [
      label,
      count.toLocaleString('en-US'),
      ...POINTS.map((point) => shown(ours[point])),
      medians(bare),
      POINTS.map((point) => seed[point]).join(' / '),
    ]),
  }
}

/** Consumption by where its answer came from, over all rounds. */
function cacheTable(samples: readonly Sample[]): Table {
  const byState = Map.groupBy(
    samples.filter(({ cache }) => cache !== undefined),
    ({ cache }) => cache,
  )
  return {
    title: 'GET /api/consumption by X-Cache, in ms',
    columns: ['X-Cache', 'requests', 'P50', 'P95', 'P99'],
    rows: [...byState].map(([state, those]) => {
      const sorted = ascending(those.map(({ latencyMs }) => latencyMs))
      return [state ?? '', String(those.length), ...[50, 95, 99].map((percent) => figure(percentile(sorted, percent)))]
    }),
  }
}

function limitOf({ label, ours, seed }: Row): Limit {
  return {
    what: `${label}: P50 / P95 / P99 ms`,
    measured: medians(ours),
    limit: `< ${POINTS.map((point) => seed[point] * SHARE_OF_SEED).join(' / ')}`,
    isMet: POINTS.every((point) => ours[point].median < seed[point] * SHARE_OF_SEED),
  }
}

function describeFailures(failed: readonly Sample[]): string {
  const kinds = Map.groupBy(failed, ({ label, status }) => `${label} ${status}`)
  return [String(failed.length), ...[...kinds].map(([kind, those]) => `${kind} × ${those.length}`)].join(', ')
}

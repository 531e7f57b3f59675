/**
 * How many requests per second does one API process answer, of `/health` and of a cached consumption read, at 64 and
 * at 1,000 connections, beside a bare `node:http` server that answers the same bytes?
 */
import type { BareAnswer } from './spawned/bare-server.ts'
import type { ClosedLoop, ClosedLoopResult } from './spawned/closed-loop.ts'
import { startBareServer } from './support/bare.ts'
import { startChild } from './support/child.ts'
import { getRequest } from './support/get-request.ts'
import { recordAnswer } from './support/recorded-answer.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ratios, type Spread, spreadOf } from './support/spread.ts'
import { startSystem } from './support/system.ts'
import { figure } from './support/table.ts'
import { makeWorld } from './support/world.ts'

/** Short and many: what else runs on the machine comes and goes within seconds, and should meet both sides. */
const ROUNDS = 11
const CONNECTIONS = [64, 1_000]
const TIMES = { warmUpMs: 200, measuredMs: 700 }
const WARM_UP = { warmUpMs: 0, measuredMs: 1_500 }
/** The seed's API throughput, told for two instances on four cores. */
const SEED_PER_SECOND = 2_000
const LEAST_OF_BARE = 0.5

interface Case {
  readonly route: string
  readonly path: string
  readonly token: string | undefined
  readonly connections: number
}

interface Measured {
  readonly of: Case
  readonly ours: readonly ClosedLoopResult[]
  readonly bare: readonly ClosedLoopResult[]
}

async function measure(): Promise<Findings> {
  await using system = await startSystem()
  const { customers } = await makeWorld(system, 1)
  const { id, accessToken: token } = customers[0]!
  const routes = [
    { route: 'GET /health', path: '/health', token: undefined },
    { route: 'GET /api/consumption, cached', path: `/api/consumption/${id}`, token },
  ]
  const cases: Case[] = routes.flatMap((route) => CONNECTIONS.map((connections) => ({ ...route, connections })))
  const answers = await Promise.all(routes.map((route) => recordRoute(system.port, route)))
  await using bare = await startBareServer(Object.fromEntries(answers))
  await using generator = startChild<ClosedLoop, ClosedLoopResult>(new URL('spawned/closed-loop.ts', import.meta.url))
  const run = (server: { port: number; pid: number }, of: Case, times = TIMES): Promise<ClosedLoopResult> =>
    generator.ask({
      port: server.port,
      serverPid: server.pid,
      requests: [getRequest(of)],
      connections: of.connections,
      ...times,
    })
  const measured = cases.map((of) => ({ of, ours: [] as ClosedLoopResult[], bare: [] as ClosedLoopResult[] }))
  for (const of of cases) for (const server of [bare, system]) await run(server, of, WARM_UP)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { of, ours, bare: bareRounds } of measured) {
      // Who goes first takes turns, as what is heated up by the one is cooled down for the other.
      if (round % 2 === 0) bareRounds.push(await run(bare, of))
      ours.push(await run(system, of))
      if (round % 2 === 1) bareRounds.push(await run(bare, of))
    }
  }
  return findings(measured)
}

type Route = Omit<Case, 'connections'>

async function recordRoute(port: number, { path, token }: Route): Promise<[string, BareAnswer]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return [`GET ${path}`, await recordAnswer(port, { method: 'GET', path, headers, body: undefined })]
}

const perSecond = (rounds: readonly ClosedLoopResult[]): number[] => rounds.map((round) => round.requestsPerSecond)
const medianOf = (rounds: readonly ClosedLoopResult[], field: keyof ClosedLoopResult): number =>
  spreadOf(rounds.map((round) => round[field])).median
const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(measured: readonly Measured[]): Findings {
  const failures = measured
    .flatMap(({ ours, bare }) => [...ours, ...bare])
    .reduce((sum, round) => sum + round.failures, 0)
  const cached = measured.filter(({ of }) => of.token !== undefined)
  return {
    tables: [speedTable(measured), costTable(measured)],
    limits: [
      ...cached.map(({ of, ours, bare }) => {
        const share = spreadOf(ratios(perSecond(ours), perSecond(bare)))
        const what = `${of.route}, ${of.connections} connections: share of bare node:http`
        return { what, measured: shown(share), limit: `≥ ${LEAST_OF_BARE}`, isMet: share.median >= LEAST_OF_BARE }
      }),
      { what: 'requests that failed', measured: String(failures), limit: '0', isMet: failures === 0 },
    ],
    notes: [
      `Median of ${ROUNDS} rounds (least–most); ours and bare take turns in every round, each in a process of its own. Shares are taken within a round.`,
      'Load generator and server share the cores of this machine. "cores" says what the server used: 1.0 is the most that one event loop can.',
      'The token is verified, the log level is the default, and the workers, PostgreSQL and simulators of embedded mode run beside.',
      `The seed's figure (${figure(SEED_PER_SECOND)} requests/s) is for two instances and requests of all kinds.`,
    ],
    raw: { rounds: measured },
  }
}

function speedTable(measured: readonly Measured[]) {
  return {
    title: 'Requests per second, one API process',
    columns: ['route', 'connections', 'ours', 'bare node:http', 'ours/bare', 'seed', 'P50 ms', 'P99 ms', 'bare P99 ms'],
    rows: measured.map(({ of, ours, bare }) => [
      of.route,
      String(of.connections),
      shown(spreadOf(perSecond(ours))),
      shown(spreadOf(perSecond(bare))),
      shown(spreadOf(ratios(perSecond(ours), perSecond(bare)))),
      figure(SEED_PER_SECOND),
      figure(medianOf(ours, 'p50Ms')),
      figure(medianOf(ours, 'p99Ms')),
      figure(medianOf(bare, 'p99Ms')),
    ]),
  }
}

function costTable(measured: readonly Measured[]) {
  return {
    title: 'CPU of the server per request',
    columns: ['route', 'connections', 'ours µs', 'bare µs', 'bare/ours', 'ours cores', 'bare cores', 'generator cores'],
    rows: measured.map(({ of, ours, bare }) => [
      of.route,
      String(of.connections),
      figure(medianOf(ours, 'serverCpuMicros')),
      figure(medianOf(bare, 'serverCpuMicros')),
      figure(medianOf(bare, 'serverCpuMicros') / medianOf(ours, 'serverCpuMicros')),
      figure(medianOf(ours, 'serverCores')),
      figure(medianOf(bare, 'serverCores')),
      figure(medianOf(ours, 'generatorCores')),
    ]),
  }
}

await runBenchmark(
  'throughput',
  'How many requests per second does one API process answer, beside a bare node:http server that answers the same bytes?',
  measure,
)

/** What does a login cost in CPU, beside the one Argon2id verification that it cannot do without? */
import type { Verifications } from './spawned/argon2-peer.ts'
import { startChild } from './support/child.ts'
import { cpuOfMs, cpuOfTreeMs } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ratios, type Spread, spreadOf } from './support/spread.ts'
import { startSystem, type SystemUnderTest } from './support/system.ts'
import { figure } from './support/table.ts'
import { makeWorld, type World } from './support/world.ts'

const ROUNDS = 5
const PER_ROUND = 60
const WARM_UP = 80
const IDLE_MS = 2_000
/** About what a login takes beside its verification. */
const PAUSE_MS = 10
const MOST_OF_ONE_VERIFICATION = 1.5

/** As a program logs in, and as the app does: which also records the device and renews where pushes go. */
const KINDS = ['phone and PIN', 'phone, PIN and device'] as const

type Kind = (typeof KINDS)[number]

/** CPU milliseconds per login. */
interface LoginCost {
  /** API and workers. */
  readonly processMs: number
  /** With PostgreSQL and the simulators. */
  readonly systemMs: number
}

interface Round extends Readonly<Record<Kind, LoginCost>> {
  readonly verificationMs: number
  /** One right after the other, which no login does: a tenth or two cheaper. */
  readonly hotVerificationMs: number
}

async function measure(): Promise<Findings> {
  await using system = await startSystem()
  const world = await makeWorld(system, KINDS.length * (WARM_UP + ROUNDS * PER_ROUND))
  await using peer = startChild<Verifications, number>(new URL('spawned/argon2-peer.ts', import.meta.url))
  const logIn = loginsOf(system, world)
  for (const kind of KINDS) await logIn(kind, WARM_UP)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const verify = (pauseMs: number): Promise<number> =>
      peer.ask({ hash: world.pinHash, secret: world.pin, count: PER_ROUND, pauseMs })
    const idle = await usedBy(system.pid, () => new Promise((resolve) => void setTimeout(resolve, IDLE_MS)))
    const cost = async (kind: Kind) => perLogin(await usedBy(system.pid, () => logIn(kind, PER_ROUND)), idle)
    rounds.push({
      verificationMs: await verify(PAUSE_MS),
      hotVerificationMs: await verify(0),
      'phone and PIN': await cost('phone and PIN'),
      'phone, PIN and device': await cost('phone, PIN and device'),
    })
  }
  return findings(rounds)
}

/** Logs in one after the other, each customer once: as in life, nobody's rows are warm. */
function loginsOf(system: SystemUnderTest, world: World) {
  const remaining = [...world.customers]
  return async (kind: Kind, count: number): Promise<void> => {
    for (const { phone, device } of remaining.splice(0, count)) {
      const body = { phone, pin: world.pin, ...(kind === 'phone, PIN and device' && { device }) }
      const answer = await fetch(`http://127.0.0.1:${system.port}/api/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await answer.text()
      if (answer.status !== 200) throw new Error(`a login was answered ${answer.status}: ${text}`)
    }
  }
}

interface Use {
  readonly elapsedMs: number
  readonly processMs: number
  readonly systemMs: number
}

async function usedBy(pid: number, work: () => Promise<void>): Promise<Use> {
  const before = { at: performance.now(), processMs: cpuOfMs(pid), systemMs: cpuOfTreeMs(pid) }
  await work()
  return {
    elapsedMs: performance.now() - before.at,
    processMs: cpuOfMs(pid) - before.processMs,
    systemMs: cpuOfTreeMs(pid) - before.systemMs,
  }
}

/** Less what the system uses in the same time when nobody asks anything. */
function perLogin(used: Use, idle: Use): LoginCost {
  const share = used.elapsedMs / idle.elapsedMs
  return {
    processMs: (used.processMs - idle.processMs * share) / PER_ROUND,
    systemMs: (used.systemMs - idle.systemMs * share) / PER_ROUND,
  }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(rounds: readonly Round[]): Findings {
  const verifications = rounds.map((round) => round.verificationMs)
  const hotVerifications = rounds.map((round) => round.hotVerificationMs)
  const row = (what: string, costs: readonly number[]) => [
    what,
    shown(spreadOf(costs)),
    shown(spreadOf(ratios(costs, verifications))),
    figure(spreadOf(ratios(costs, hotVerifications)).median),
  ]
  const costs = (kind: Kind, part: keyof LoginCost): number[] => rounds.map((round) => round[kind][part])
  return {
    tables: [
      {
        title: 'CPU of one login',
        columns: ['what', 'ms', 'verifications', 'back to back'],
        rows: [
          row('one Argon2id verification, as a login does it: with a pause', verifications),
          row('the same back to back', hotVerifications),
          ...KINDS.flatMap((kind) => [
            row(`${kind}: process of API and workers`, costs(kind, 'processMs')),
            row(`${kind}: with PostgreSQL and everything else`, costs(kind, 'systemMs')),
          ]),
        ],
      },
    ],
    limits: KINDS.map((kind) => limitOf(kind, spreadOf(ratios(costs(kind, 'processMs'), verifications)))),
    notes: [
      `Median of ${ROUNDS} rounds of ${PER_ROUND} logins of each kind (least–most), beside ${PER_ROUND} verifications of the same hash; what the idle system uses is taken off.`,
      `The limit is on the process that serves the login, against verifications with ${PAUSE_MS} ms between them; the last column is against those without, whose memory and caches stay warm.`,
    ],
    raw: { rounds },
  }
}

function limitOf(kind: Kind, share: Spread) {
  return {
    what: `${kind}, in verifications`,
    measured: shown(share),
    limit: `≤ ${MOST_OF_ONE_VERIFICATION}`,
    isMet: share.median <= MOST_OF_ONE_VERIFICATION,
  }
}

await runBenchmark(
  'login-cost',
  'What does a login cost in CPU, beside one Argon2id verification with the same parameters?',
  measure,
)

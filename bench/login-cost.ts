/** What does a login cost in CPU, beside the one Argon2id verification that it cannot do without? */
import type { Verifications } from './spawned/argon2-peer.ts'
import { startChild } from './support/child.ts'
import { requestFor } from './support/endpoints.ts'
import { cpuOfMs, cpuOfTreeMs } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ratios, type Spread, spreadOf } from './support/spread.ts'
import { startSystem } from './support/system.ts'
import { figure } from './support/table.ts'
import { makeWorld } from './support/world.ts'

const ROUNDS = 5
const PER_ROUND = 80
const WARM_UP = 40
const IDLE_MS = 2_000
const MOST_OF_ONE_VERIFICATION = 1.5

/** CPU milliseconds per login. */
interface LoginCost {
  /** API and workers. */
  readonly processMs: number
  /** With PostgreSQL and the simulators. */
  readonly systemMs: number
}

async function measure(): Promise<Findings> {
  await using system = await startSystem()
  const world = await makeWorld(system, WARM_UP + ROUNDS * PER_ROUND)
  await using peer = startChild<Verifications, number>(new URL('spawned/argon2-peer.ts', import.meta.url))
  const remaining = [...world.customers]
  /** One after the other, and each customer once. */
  const logIn = async (count: number): Promise<void> => {
    for (const customer of remaining.splice(0, count)) {
      const { path, method, headers, body } = requestFor('POST /api/login', customer, world)
      const answer = await fetch(`http://127.0.0.1:${system.port}${path}`, { method, headers, body: body ?? null })
      if (answer.status !== 200) throw new Error(`a login was answered ${answer.status}: ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  await logIn(WARM_UP)
  const logins: LoginCost[] = []
  const verifications: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    verifications.push(await peer.ask({ hash: world.pinHash, secret: world.pin, count: PER_ROUND }))
    logins.push(await costOf(system.pid, () => logIn(PER_ROUND)))
  }
  return findings(logins, verifications)
}

/** Less what the system uses in the same time when nobody asks anything. */
async function costOf(pid: number, work: () => Promise<void>): Promise<LoginCost> {
  const idle = await usedBy(pid, () => new Promise((resolve) => void setTimeout(resolve, IDLE_MS)))
  const used = await usedBy(pid, work)
  const share = used.elapsedMs / idle.elapsedMs
  return {
    processMs: (used.processMs - idle.processMs * share) / PER_ROUND,
    systemMs: (used.systemMs - idle.systemMs * share) / PER_ROUND,
  }
}

async function usedBy(pid: number, work: () => Promise<void>) {
  const before = { at: performance.now(), processMs: cpuOfMs(pid), systemMs: cpuOfTreeMs(pid) }
  await work()
  return {
    elapsedMs: performance.now() - before.at,
    processMs: cpuOfMs(pid) - before.processMs,
    systemMs: cpuOfTreeMs(pid) - before.systemMs,
  }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(logins: readonly LoginCost[], verifications: readonly number[]): Findings {
  const processMs = logins.map((login) => login.processMs)
  const systemMs = logins.map((login) => login.systemMs)
  const share = spreadOf(ratios(systemMs, verifications))
  const row = (what: string, costs: readonly number[]) => [
    what,
    shown(spreadOf(costs)),
    shown(spreadOf(ratios(costs, verifications))),
  ]
  return {
    tables: [
      {
        title: 'CPU of one login',
        columns: ['what', 'ms', 'verifications'],
        rows: [
          row('one Argon2id verification, alone in a process', verifications),
          row('login: process of API and workers', processMs),
          row('login: with PostgreSQL and everything else', systemMs),
        ],
      },
    ],
    limits: [
      {
        what: 'login, with PostgreSQL, in verifications',
        measured: shown(share),
        limit: `≤ ${MOST_OF_ONE_VERIFICATION}`,
        isMet: share.median <= MOST_OF_ONE_VERIFICATION,
      },
    ],
    notes: [
      `Median of ${ROUNDS} rounds of ${PER_ROUND} logins (least–most), each beside ${PER_ROUND} verifications of the same hash; what the idle system uses is taken off.`,
      "A login here is an app's: phone, PIN and device, which opens a session and renews the push target.",
    ],
    raw: { logins, verifications },
  }
}

await runBenchmark(
  'login-cost',
  'What does a login cost in CPU, beside one Argon2id verification with the same parameters?',
  measure,
)

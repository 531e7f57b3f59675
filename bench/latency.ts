/**
 * How long do users wait at 200 requests per second of all kinds, 5 % of them logins? Beside the seed's figures, and
 * beside a bare `node:http` server that is asked the same in the same run.
 */
import { randomFor } from '#src/simulators/sic/data/random.ts'
import type { OpenLoop, PlannedRequest, Sample } from './spawned/open-loop.ts'
import { type BareServer, startBareServer } from './support/bare.ts'
import { startChild } from './support/child.ts'
import { ENDPOINTS, requestFor } from './support/endpoints.ts'
import { type LatencyRound, latencyFindings } from './support/latency-findings.ts'
import { cpuOfTreeMs } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { recordAnswer } from './support/recorded-answer.ts'
import { startSystem, type SystemUnderTest } from './support/system.ts'
import { makeWorld, type World } from './support/world.ts'

const ROUNDS = 3
const PER_SECOND = 200
const CUSTOMERS = 1_000
/** Long enough for 200 logins a round, so that their P99 is not their worst. */
const ROUND_S = 20
/** The bare server needs no time to settle, and no more than this to show what the machine itself does to latency. */
const BARE_ROUND_S = 5
const WARM_UP_S = 3

async function measure(): Promise<Findings> {
  await using system = await startSystem()
  const world = await makeWorld(system, CUSTOMERS)
  await using bare = await startBare(system, world)
  await using generator = startChild<OpenLoop, Sample[]>(new URL('spawned/open-loop.ts', import.meta.url))
  const random = randomFor('latency', 'mix', '')
  const run = (port: number, requests: readonly PlannedRequest[]): Promise<Sample[]> =>
    generator.ask({ port, intervalMs: 1_000 / PER_SECOND, requests })
  await run(system.port, planMix(world, WARM_UP_S, random))
  const rounds: LatencyRound[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const bareSamples = await run(bare.port, planMix(world, BARE_ROUND_S, random).map(asBare))
    const before = cpuOfTreeMs(system.pid)
    const ours = await run(system.port, planMix(world, ROUND_S, random))
    rounds.push({ ours, bare: bareSamples, cpuMs: cpuOfTreeMs(system.pid) - before })
  }
  return latencyFindings(rounds, { perSecond: PER_SECOND, customers: CUSTOMERS, seconds: ROUND_S })
}

type Random = ReturnType<typeof randomFor>

/** Endpoints by their share, customers by chance: some are asked for again soon, some never, as in life. */
function planMix({ customers, ...world }: World, seconds: number, random: Random): PlannedRequest[] {
  const deck = ENDPOINTS.flatMap(({ label, perHundred }) => Array.from({ length: perHundred }, () => label))
  return Array.from({ length: seconds * PER_SECOND }, () =>
    requestFor(random.pick(deck), random.pick(customers), world),
  )
}

const asBare = (planned: PlannedRequest): PlannedRequest => ({ ...planned, path: barePath(planned) })
const barePath = ({ label }: PlannedRequest): string => `/${encodeURIComponent(label)}`

/** Answers each endpoint with what the system answered once. */
async function startBare(system: SystemUnderTest, { customers, ...world }: World): Promise<BareServer> {
  const recorded = ENDPOINTS.map(async ({ label }) => {
    const planned = requestFor(label, customers[0]!, world)
    return [`${planned.method} ${barePath(planned)}`, await recordAnswer(system.port, planned)] as const
  })
  return startBareServer(Object.fromEntries(await Promise.all(recorded)))
}

await runBenchmark(
  'latency',
  `How long do users wait at ${PER_SECOND} requests per second of all kinds, 5 % of them logins over 1,000 accounts?`,
  measure,
)

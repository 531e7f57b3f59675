/**
 * Does a read of consumption stay as quick when there are a hundred times as many customers? The same rate of reads,
 * over 10,000, 100,000 and 1,000,000 customers, loaded one after the other into the same database.
 *
 * `SIZES=1000,2000` in the environment asks for other sizes, to try the benchmark itself.
 */
import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { bytesNeeded, gib, refuseTooLarge } from '#src/roles/generate/disk-room.ts'
import { withClient } from '#src/roles/generate/with-client.ts'
import { randomFor } from '#src/simulators/sic/data/random.ts'
import type { OpenLoop, PlannedRequest, Sample } from './spawned/open-loop.ts'
import { startChild } from './support/child.ts'
import {
  type ConsumptionWorld,
  consumptionWorld,
  fillTo,
  readersAt,
  refreshStates,
} from './support/consumption-world.ts'
import { openedResources } from './support/opened.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'

const SIZES = (process.env['SIZES'] ?? '10000,100000,1000000').split(',').map(Number)
const MONTHS = 36
const PER_SECOND = 200
const ROUNDS = 5
const ROUND_S = 10
const WARM_UP_S = 5
/** Of its worst hundredth: what a large database may add. */
const MOST_TIMES = 1.5

interface Size {
  readonly customers: number
  readonly rowsPerSecond: number
  readonly databaseBytes: number
  readonly rounds: readonly (readonly Sample[])[]
}

async function measure(): Promise<Findings> {
  const { bavail, bsize } = await statfs(tmpdir())
  refuseTooLarge(bytesNeeded(Math.max(...SIZES), MONTHS), bavail * bsize)
  await using opened = openedResources()
  const world = await consumptionWorld(opened)
  const { url } = await world.system.api()
  const generator = opened.use(startChild<OpenLoop, Sample[]>(new URL('spawned/open-loop.ts', import.meta.url)))
  const run = (requests: readonly PlannedRequest[]): Promise<Sample[]> =>
    generator.ask({ port: Number(new URL(url).port), intervalMs: 1_000 / PER_SECOND, requests })
  const sizes: Size[] = []
  for (const [place, customers] of SIZES.entries()) {
    const rowsPerSecond = await load(world, SIZES[place - 1] ?? 0, customers)
    process.stderr.write(`scale: ${figure(customers)} customers, loaded at ${figure(rowsPerSecond)} rows/s\n`)
    const rounds: Sample[][] = []
    for (let round = -1; round < ROUNDS; round += 1) {
      const samples = await run(await planRound(world, customers, round < 0 ? WARM_UP_S : ROUND_S, round))
      if (round >= 0) rounds.push(samples)
    }
    sizes.push({ customers, rowsPerSecond, databaseBytes: await databaseBytes(world), rounds })
  }
  return findings(sizes)
}

async function load(world: ConsumptionWorld, from: number, customers: number): Promise<number> {
  const startedAt = performance.now()
  const rows = await fillTo(world, from, customers)
  const perSecond = (rows / (performance.now() - startedAt)) * 1_000
  await withClient(world.directUrl, async (client) => {
    await client.query('vacuum (analyze) account, device, meter, meter_link, meter_reading_state, consumption_month')
    await client.query('vacuum (analyze) consumption_entry')
    await client.query('checkpoint')
  })
  // What was just written is on its way to the disk, for which this PostgreSQL does not wait: nobody fills a database
  // while its customers read.
  await promisify(execFile)('sync')
  return perSecond
}

/** Customers by chance from all there are, nobody twice: PostgreSQL answers. */
async function planRound(world: ConsumptionWorld, customers: number, seconds: number, round: number) {
  const random = randomFor('scale', customers, round)
  const places = new Set<number>()
  while (places.size < Math.min(customers, seconds * PER_SECOND)) places.add(random.between(0, customers - 1))
  const readers = readersAt([...places], world.system.settings['JWT_SECRET']!)
  await world.system.redis.flush()
  await refreshStates(world.system.database.db, readers)
  return readers.map(({ path, token }): PlannedRequest => ({
    label: 'GET /api/consumption',
    method: 'GET',
    path,
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
    body: undefined,
  }))
}

async function databaseBytes({ system }: ConsumptionWorld): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`.execute(
    system.database.db,
  )
  return rows[0]!.bytes
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function at({ rounds }: Size, percent: number): Spread {
  return spreadOf(rounds.map((samples) => percentile(ascending(samples.map((sample) => sample.latencyMs)), percent)))
}

function findings(sizes: readonly Size[]): Findings {
  const failed = sizes.flatMap(({ rounds }) => rounds.flat()).filter(({ status }) => status !== 200).length
  const times = at(sizes.at(-1)!, 99).median / at(sizes[0]!, 99).median
  const [least, most] = [sizes[0]!.customers, sizes.at(-1)!.customers]
  return {
    tables: [
      {
        title: `GET /api/consumption at ${PER_SECOND} requests/s, in ms`,
        columns: ['customers', 'P50', 'P95', 'P99', 'from the cache', 'database', 'loaded at rows/s'],
        rows: sizes.map((size) => [
          figure(size.customers),
          ...[50, 95, 99].map((percent) => shown(at(size, percent))),
          `${figure((size.rounds.flat().filter(({ cache }) => cache !== 'MISS').length / size.rounds.flat().length) * 100)} %`,
          gib(size.databaseBytes),
          figure(size.rowsPerSecond),
        ]),
      },
    ],
    limits: [
      {
        what: `P99 at ${figure(most)} customers, times that at ${figure(least)}`,
        measured: figure(times),
        limit: `≤ ${MOST_TIMES}`,
        isMet: times <= MOST_TIMES,
      },
      { what: 'requests that failed', measured: String(failed), limit: '0', isMet: failed === 0 },
    ],
    notes: [
      `Median of ${ROUNDS} rounds of ${ROUND_S} s (least–most); each request counts from the moment at which it was to be sent. The customers are drawn anew for every round, and the cache is emptied before it.`,
      'Loaded by the generator with its indices in place, about 40 rows and the sums of 36 months for each customer; before the reads the tables are vacuumed and everything is on the disk.',
      'One API process, PgBouncer and Redis of production; PostgreSQL has 512 MB of shared buffers, the rest of the memory is the page cache.',
    ],
    raw: {
      sizes: sizes.map(({ rounds: _rounds, ...size }, place) => ({
        ...size,
        p50: at(sizes[place]!, 50),
        p99: at(sizes[place]!, 99),
      })),
    },
  }
}

await runBenchmark('scale', 'Does a read of consumption stay as quick with a hundred times as many customers?', measure)

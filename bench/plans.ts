/**
 * How does PostgreSQL run the statements behind each hot path? The plans are kept in bench/plans, to be read and
 * compared; a large table that is read from end to end, or a year that was not asked for, is a missed limit.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { type HotPath, hotPaths } from '#test/plans/hot-paths.ts'
import { largeTables, planClient, planText, problemsOf, type Reads, readsOf } from '#test/plans/plan.ts'
import { SERVER_VARIABLE, startTestServer } from '#test/support/postgres-server.ts'
import { openedResources } from './support/opened.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { figure } from './support/table.ts'

const SIZE = { customers: 60_000, withHistory: 10_000 }
const PLANS = join(import.meta.dirname, 'plans')

interface Looked {
  readonly path: HotPath
  readonly reads: readonly Reads[]
  readonly problems: readonly string[]
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const server = await startTestServer()
  opened.defer(() => server.close())
  process.env[SERVER_VARIABLE] = server.url
  const hot = opened.use(await hotPaths(SIZE))
  const client = await planClient(hot.url)
  const large = await largeTables(client)
  const looked: Looked[] = []
  await mkdir(PLANS, { recursive: true })
  for (const path of hot.paths) {
    looked.push(await look(client, path, large))
    await writeFile(join(PLANS, `${path.name.replaceAll(/\W+/g, '-')}.txt`), await planPage(client, path))
  }
  await client.end()
  return findings(looked)
}

async function look(client: pg.Client, path: HotPath, large: ReadonlySet<string>): Promise<Looked> {
  const reads: Reads[] = []
  for (const statement of path.statements) reads.push(await readsOf(client, statement))
  return { path, reads, problems: reads.flatMap((one) => problemsOf(one, large, path.years)) }
}

async function planPage(client: pg.Client, { name, statements }: HotPath): Promise<string> {
  const parts = [`${name}: ${statements.length} statements`]
  for (const statement of statements) parts.push(statement.sql.trim(), await planText(client, statement))
  return `${parts.join('\n\n')}\n`
}

function findings(looked: readonly Looked[]): Findings {
  const problems = looked.flatMap((one) => one.problems)
  const touched = ({ reads }: Looked): number => new Set(reads.flatMap((one) => one.partitions)).size
  return {
    tables: [
      {
        title: 'Statements of each hot path',
        columns: ['path', 'statements', 'partitions touched', 'partitions of its range', 'large tables read whole'],
        rows: looked.map((one) => [
          one.path.name,
          String(one.path.statements.length),
          String(touched(one)),
          one.path.years === undefined ? '' : String(one.path.years.length),
          String(one.problems.filter((problem) => problem.startsWith('reads all')).length),
        ]),
      },
    ],
    limits: [
      {
        what: 'large tables read whole, and partitions beyond the range',
        measured: problems.length === 0 ? '0' : problems.join('; '),
        limit: '0',
        isMet: problems.length === 0,
      },
    ],
    notes: [
      `${figure(SIZE.customers)} customers, ${figure(SIZE.withHistory)} of them with 36 months of consumption; the plans are in bench/plans.`,
      'What only reads is run, and counts where the run came to; what writes is planned and not run.',
    ],
    raw: { looked: looked.map(({ path, reads }) => ({ path: path.name, reads })) },
  }
}

await runBenchmark('plans', 'How does PostgreSQL run the statements behind each hot path?', measure)

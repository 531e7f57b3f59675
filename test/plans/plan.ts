import type { CompiledQuery } from 'kysely'
import type pg from 'pg'

/** A node of PostgreSQL's plan, as far as we look at it. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  /** Only of a plan that was run; 0: the run never came here. */
  readonly 'Actual Loops'?: number
  readonly Plans?: readonly PlanNode[]
}

/** What a plan reads, of what was not left out. */
export interface Reads {
  /** Tables that are read from end to end. */
  readonly whole: readonly string[]
  readonly indexes: readonly string[]
  /** Years of the tables that are cut into years. */
  readonly partitions: readonly string[]
}

const PARTITION = /^(consumption_entry|consumption_month)_/
const WRITES = /\b(insert|update|delete)\b/i

/**
 * How PostgreSQL would run the statement with these very parameters, as our unnamed statements are planned. What only
 * reads is run, and of its plan only what the run came to counts.
 */
export async function readsOf(client: pg.Client, { sql, parameters }: CompiledQuery): Promise<Reads> {
  const run = WRITES.test(sql) ? '' : 'analyze, timing off, '
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (${run}format json) ${sql}`, [
    ...parameters,
  ])
  const nodes = [...everyNode(rows[0]!['QUERY PLAN'][0].Plan)].filter((node) => node['Actual Loops'] !== 0)
  const tables = nodes.flatMap((node) => node['Relation Name'] ?? [])
  return {
    whole: unique(nodes.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? []) : []))),
    indexes: unique(nodes.flatMap((node) => node['Index Name'] ?? [])),
    partitions: unique(tables.filter((table) => PARTITION.test(table))),
  }
}

/** The plan as PostgreSQL prints it. */
export async function planText(client: pg.Client, { sql, parameters }: CompiledQuery): Promise<string> {
  const run = WRITES.test(sql) ? '' : 'analyze, buffers, timing off, summary off, '
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (${run}costs off) ${sql}`, [...parameters])
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

function* everyNode(node: PlanNode): Generator<PlanNode> {
  yield node
  for (const child of node.Plans ?? []) yield* everyNode(child)
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].toSorted()

/** Tables so large that no request may read one from end to end. */
export async function largeTables(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and reltuples >= $1`,
    [LARGE_ROWS],
  )
  return new Set(rows.map((row) => row.name))
}

const LARGE_ROWS = 1_000

/** What is wrong with it, in words; nothing when all is well. */
export function problemsOf(reads: Reads, large: ReadonlySet<string>, years: readonly number[] | undefined): string[] {
  const whole = reads.whole.filter((table) => large.has(table)).map((table) => `reads all of ${table}`)
  const beyond = reads.partitions
    .filter((partition) => years?.every((year) => !partition.endsWith(`_${year}`)))
    .map((partition) => `looks into ${partition}, which its range does not touch`)
  return [...whole, ...beyond]
}

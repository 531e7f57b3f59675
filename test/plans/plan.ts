import type { CompiledQuery } from 'kysely'
import pg from 'pg'

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

/** A connection that also tells the plans of statements inside functions. For a superuser. */
export async function planClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`load 'auto_explain'`)
  await client.query(`select set_config('auto_explain.' || name, value, false) from (values
    ('log_nested_statements', 'on'), ('log_analyze', 'on'), ('log_timing', 'off'), ('log_buffers', 'on'),
    ('log_level', 'notice')) as setting (name, value)`)
  return client
}

/**
 * How PostgreSQL would run the statement with these very parameters, as our unnamed statements are planned, and those
 * of the functions that it calls. What only reads is run, and of its plans only what the run came to counts.
 */
export async function readsOf(client: pg.Client, statement: CompiledQuery): Promise<Reads> {
  const run = WRITES.test(statement.sql) ? '' : 'analyze, timing off, '
  const { rows, inside } = await explained(client, statement, `${run}format json`)
  const [whole] = rows as [[{ Plan: PlanNode }]]
  const plans = [whole[0], ...inside.map((text) => JSON.parse(text) as { Plan: PlanNode })]
  const nodes = plans.flatMap(({ Plan }) => [...everyNode(Plan)]).filter((node) => node['Actual Loops'] !== 0)
  const tables = nodes.flatMap((node) => node['Relation Name'] ?? [])
  return {
    whole: unique(nodes.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? []) : []))),
    indexes: unique(nodes.flatMap((node) => node['Index Name'] ?? [])),
    partitions: unique(tables.filter((table) => PARTITION.test(table))),
  }
}

/** The plan as PostgreSQL prints it, then those of the functions that it calls. */
export async function planText(client: pg.Client, statement: CompiledQuery): Promise<string> {
  const run = WRITES.test(statement.sql) ? '' : 'analyze, buffers, timing off, summary off, '
  const { rows, inside } = await explained(client, statement, `${run}costs off, format text`)
  const called = inside.map((text) => `\nInside:\n${text.trimEnd().replaceAll(COSTS, '(')}`)
  return [rows.join('\n'), ...called].join('\n')
}

/** Estimates, which differ from one filling to the next. */
const COSTS = /\(cost=\S+ rows=\d+ width=\d+\) \(/g

/** What `explain` answers, and the plans of statements inside functions, each as text in the same format. */
async function explained(client: pg.Client, { sql, parameters }: CompiledQuery, how: string) {
  const inside: string[] = []
  const onNotice = ({ message = '' }: { message?: string | undefined }): void => {
    const [, plan] = /^duration: .* plan:\n([^]*)$/.exec(message) ?? []
    if (plan !== undefined && !/^(Query Text: |\{\s*"Query Text": ")explain /.test(plan)) inside.push(plan)
  }
  await client.query(`set auto_explain.log_format = ${how.includes('format json') ? 'json' : 'text'}`)
  await client.query('set auto_explain.log_min_duration = 0')
  client.on('notice', onNotice)
  try {
    const answer = await client.query<{ 'QUERY PLAN': unknown }>(`explain (${how}) ${sql}`, [...parameters])
    return { rows: answer.rows.map((row) => row['QUERY PLAN']), inside }
  } finally {
    client.off('notice', onNotice)
    await client.query('set auto_explain.log_min_duration = -1')
  }
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

import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { describeMachine, type Machine } from './machine.ts'
import { figure, type Table, toMarkdown, toText } from './table.ts'

export interface Limit {
  readonly what: string
  /** As shown: `0.71 (0.69–0.74)`. */
  readonly measured: string
  readonly limit: string
  readonly isMet: boolean
}

export interface Findings {
  readonly tables: readonly Table[]
  readonly limits: readonly Limit[]
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[]
  /** Every round, for whoever wants to compute something else. */
  readonly raw: unknown
}

const RESULTS = join(import.meta.dirname, '../results')

/**
 * Runs one benchmark, prints its tables, and keeps them as results/<name>.md and .json. The process exits with 1 when
 * a limit is missed.
 */
export async function runBenchmark(name: string, question: string, measure: () => Promise<Findings>): Promise<void> {
  const machine = describeMachine()
  const found = await measure()
  const findings = { ...found, notes: [...found.notes, ...busyNote(machine)] }
  const loadAfter = loadavg()[0]!
  const tables = [...findings.tables, limitTable(findings.limits)]
  const facts = machineLine(machine, loadAfter)
  process.stdout.write(
    ['', question, facts, '', ...tables.map(toText), ...findings.notes.map((note) => `- ${note}`), ''].join('\n'),
  )
  await mkdir(RESULTS, { recursive: true })
  const notes = findings.notes.map((note) => `- ${note}`)
  const page = [`# ${name}`, '', question, '', facts, '', ...tables.map(toMarkdown), ...notes, '']
  await writeFile(join(RESULTS, `${name}.md`), page.join('\n'))
  const kept = {
    name,
    question,
    machine: { ...machine, loadAfter },
    limits: findings.limits,
    ...(findings.raw as object),
  }
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify(kept, rounded, 2)}\n`)
  if (findings.limits.some((limit) => !limit.isMet)) process.exitCode = 1
}

function limitTable(limits: readonly Limit[]): Table {
  return {
    title: 'Limits',
    columns: ['what', 'measured', 'limit', 'verdict'],
    rows: limits.map(({ what, measured, limit, isMet }) => [what, measured, limit, isMet ? 'met' : 'MISSED']),
  }
}

function busyNote({ cores, loadBefore }: Machine): string[] {
  if (loadBefore <= cores) return []
  return [
    `The machine was busy with other work (load ${figure(loadBefore)} on ${cores} cores): read times beside those of the bare server.`,
  ]
}

function machineLine({ date, node, cpu, cores, loadBefore, commit }: Machine, loadAfter: number): string {
  const load = `load ${loadBefore.toFixed(2)} before, ${loadAfter.toFixed(2)} after`
  return `${date} · Node ${node} · ${cores} × ${cpu} · ${load} · commit ${commit}`
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}

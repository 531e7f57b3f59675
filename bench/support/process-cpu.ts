import { readdirSync, readFileSync } from 'node:fs'

/** The kernel's unit in /proc is 1/100 s on every Linux that Node runs on. */
const MS_PER_TICK = 10

/** CPU time (ms) that a process has used in all its threads, garbage collector and thread pool included. */
export function cpuOfMs(pid: number): number {
  const { ticks } = readStat(pid)
  return ticks * MS_PER_TICK
}

/** The same for a process and everything below it, ended children included. */
export function cpuOfTreeMs(pid: number): number {
  return treeOf(pid).reduce((sum, { ticks, childTicks }) => sum + ticks + childTicks, 0) * MS_PER_TICK
}

/** The most memory (MiB) that the largest process of a tree ever had in RAM. */
export function peakMemoryOfMib(pid: number): number {
  return Math.max(...treeOf(pid).map((process) => statusMib(process.pid, 'VmHWM')))
}

interface ProcessTimes {
  readonly pid: number
  readonly ticks: number
  /** Of its children that have ended. */
  readonly childTicks: number
}

function treeOf(root: number): ProcessTimes[] {
  const children = new Map<number, ProcessTimes[]>()
  const found: ProcessTimes[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const pid = Number(name)
      const { parent, ...times } = readStat(pid)
      children.set(parent, [...(children.get(parent) ?? []), { pid, ...times }])
      if (pid === root) found.push({ pid, ...times })
    } catch {
      // It has ended since the folder was read; its time is with its parent.
    }
  }
  // The list grows while it is walked.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  return found
}

function readStat(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The program's name, in parentheses, may hold anything; the fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (place: number): number => Number(fields[place])
  return { parent: field(1), ticks: field(11) + field(12), childTicks: field(13) + field(14) }
}

/** A process of this name that we have started ourselves. */
export function childNamed(program: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const isOurs = readStat(Number(name)).parent === process.pid
      if (isOurs && readFileSync(`/proc/${name}/comm`, 'utf8').trim() === program) return Number(name)
    } catch {
      // It has ended since the folder was read.
    }
  }
  throw new Error(`we have started no ${program}`)
}

/** Memory (MiB) that a process has in RAM. */
export function memoryOfMib(pid: number): number {
  return statusMib(pid, 'VmRSS')
}

/** 0 for a process that has ended. */
function statusMib(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}

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
  const children = new Map<number, number[]>()
  const used = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const { parent, ticks, childTicks } = readStat(Number(name))
      used.set(Number(name), ticks + childTicks)
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // It has ended since the folder was read; its time is with its parent.
    }
  }
  const sum = (id: number): number =>
    (children.get(id) ?? []).reduce((total, child) => total + sum(child), used.get(id) ?? 0)
  return sum(pid) * MS_PER_TICK
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
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

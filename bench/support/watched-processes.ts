import type { Limit } from './report.ts'
import { cpuOfMs, cpuOfTreeMs, peakMemoryOfMib } from './process-cpu.ts'
import { figure, type Table } from './table.ts'

export interface WatchedPart {
  readonly label: string
  readonly pid: number
  /** Ours: the limit on memory is for it. */
  readonly isOurs: boolean
}

export interface PartUse extends WatchedPart {
  /** 1 is one core whole. */
  readonly cores: number
  readonly cpuMs: number
  /** The most memory that its largest process ever had in RAM. */
  readonly peakMib: number
}

/** What each part uses from now until the function that is returned is called. */
export function watchParts(parts: readonly WatchedPart[]): () => PartUse[] {
  // Everything else is below the benchmark itself.
  const cpuOf = (pid: number): number => (pid === process.pid ? cpuOfMs(pid) : cpuOfTreeMs(pid))
  const startedAt = performance.now()
  const before = parts.map(({ pid }) => cpuOf(pid))
  return () => {
    const elapsedMs = performance.now() - startedAt
    return parts.map((part, place) => {
      const cpuMs = cpuOf(part.pid) - before[place]!
      return { ...part, cpuMs, cores: cpuMs / elapsedMs, peakMib: peakMemoryOfMib(part.pid) }
    })
  }
}

/** @param pushes that were sent meanwhile */
export function partTable(title: string, parts: readonly PartUse[], pushes: number): Table {
  return {
    title,
    columns: ['process', 'cores', 'CPU µs per push', 'peak memory, MiB'],
    rows: parts.map(({ label, cores, cpuMs, peakMib }) => [
      label,
      figure(cores),
      figure((cpuMs / pushes) * 1_000),
      figure(peakMib),
    ]),
  }
}

const MEMORY_LIMIT_MIB = 512

export function memoryLimit(parts: readonly PartUse[]): Limit {
  const most = Math.max(...parts.filter(({ isOurs }) => isOurs).map(({ peakMib }) => peakMib))
  return {
    what: 'peak memory of the largest of our processes, MiB',
    measured: figure(most),
    limit: `≤ ${MEMORY_LIMIT_MIB}`,
    isMet: most <= MEMORY_LIMIT_MIB,
  }
}

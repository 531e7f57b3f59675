export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** What the rounds of one measurement gave. Throws for no rounds. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values)
  return { min: sorted[0]!, median: percentile(sorted, 50), max: sorted.at(-1)! }
}

/**
 * The smallest value that at least `percent` % of all are not above (nearest rank): a latency that was measured,
 * never one between two. `sorted` ascends and is not empty.
 */
export function percentile(sorted: readonly number[], percent: number): number {
  if (sorted.length === 0) throw new RangeError('no values to take a percentile of')
  const rank = Math.ceil((percent / 100) * sorted.length)
  return sorted[Math.max(0, rank - 1)]!
}

export function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}

/** Round by round, so that what disturbed a whole round disturbs both of its sides. */
export function ratios(measured: readonly number[], peer: readonly number[]): number[] {
  return measured.map((value, round) => value / peer[round]!)
}

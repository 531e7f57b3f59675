/** The sum of centimes in whole francs, rounded once, half away from zero as everywhere. */
export function francsOf(centimes: readonly number[]): number {
  const sum = centimes.reduce((all, part) => all + part, 0)
  return Math.sign(sum) * Math.round(Math.abs(sum) / 100) + 0
}

/**
 * Parts in centimes as whole francs that add up to `sumXof`, which is theirs but for less than half a franc. Each is
 * rounded down, and the francs that are then missing go to those that lost most: so a part of whole francs stays as it
 * is, and no other is a franc off.
 */
export function wholeFrancs(parts: readonly number[], sumXof: number): number[] {
  const francs = parts.map((centimes) => Math.floor(centimes / 100))
  const lost = (place: number): number => (parts[place] ?? 0) - (francs[place] ?? 0) * 100
  const missing = sumXof - francs.reduce((sum, part) => sum + part, 0)
  const raised = new Set([...parts.keys()].toSorted((a, b) => lost(b) - lost(a)).slice(0, Math.max(0, missing)))
  return francs.map((part, place) => (raised.has(place) ? part + 1 : part))
}

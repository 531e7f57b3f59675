export const CODE_LIFE_MS = 10 * 60_000
/** With ten codes a day, fifty guesses at a million: one in twenty thousand. */
export const MAX_TRIES = 5
/** Codes are kept as long as they count against a limit. */
export const KEPT_MS = 24 * 3_600_000

/** How many codes one account, and one phone, gets within a time. Each message costs, and reaches somebody. */
const LIMITS = [
  { codes: 1, withinMs: 60_000 },
  { codes: 5, withinMs: 3_600_000 },
  { codes: 10, withinMs: KEPT_MS },
] as const

/** As many earlier codes as the limits look at. */
export const COUNTED = Math.max(...LIMITS.map(({ codes }) => codes))

/** Milliseconds until another code may be sent; 0 when it may be now. `sentAt`: when earlier ones were, newest first. */
export function waitBeforeNextMs(sentAt: readonly number[], now: number): number {
  const waits = LIMITS.map(({ codes, withinMs }) => {
    const oldestCounted = sentAt[codes - 1]
    return oldestCounted === undefined ? 0 : oldestCounted + withinMs - now
  })
  return Math.max(0, ...waits)
}

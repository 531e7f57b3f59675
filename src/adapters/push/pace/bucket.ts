/**
 * The project's quota as a token bucket that never grants more than the quota in any minute, as a function of a state,
 * a time and what is asked. `bucket-script.ts` is the same in Redis, and must agree to the last bit.
 */
export interface BucketSettings {
  /** At full speed. */
  readonly tokensPerMs: number
  /** What it holds at most, at full speed; less at a lower level, though never below LEAST_CAPACITY. */
  readonly capacity: number
  /** The share of full speed that is always there, so that a single message does not wait for a ramp. */
  readonly leastLevel: number
}

export interface BucketState {
  readonly tokens: number
  /** The part of full speed that it fills with: rises while there is demand, falls with idleness and when halved. */
  readonly level: number
  readonly at: number
  /** How often it was halved: names the speed that a rejected message was sent under. */
  readonly halvings: number
}

export interface BucketAsk {
  readonly urgent: number
  readonly bulk: number
  /** A message sent after so many halvings was rejected for its rate; -1: none was. */
  readonly rejectedAt: number
  /** Messages were sent beside this bucket: what it saved up meanwhile must not come on top. */
  readonly drain: boolean
}

export interface BucketAnswer {
  readonly urgent: number
  readonly bulk: number
  /** The least wait until more can be had; 0 when everything asked was granted. */
  readonly waitMs: number
  readonly level: number
  readonly halvings: number
}

/** A token that was not used within this time of being asked for is void. */
export const TOKEN_LIFETIME_MS = 250
/** FCM asks for at least a minute from nothing to full speed, in even steps. */
export const RAMP_MS = 60_000
export const LEAST_CAPACITY = 2
/** What is kept back for urgent messages, as a share of what the bucket holds. */
export const RESERVE_SHARE = 0.1
const LEAST_TOKENS_PER_MS = 0.1
/** A full bucket is half a second's worth. */
const CAPACITY_PER_MINUTE = 1 / 120

export function bucketSettings(messagesPerMinute: number): BucketSettings {
  const capacity = Math.max(LEAST_CAPACITY, messagesPerMinute * CAPACITY_PER_MINUTE)
  // What leaves in a minute was granted in a minute and a token's lifetime, and a full bucket may come before it all.
  const tokensPerMs = (messagesPerMinute - capacity) / (60_000 + TOKEN_LIFETIME_MS)
  return { tokensPerMs, capacity, leastLevel: Math.min(1, LEAST_TOKENS_PER_MS / tokensPerMs) }
}

/** The bucket of which nothing is known: empty, so that forgetting it grants nothing. */
export function emptyBucket(level: number, nowMs: number): BucketState {
  return { tokens: 0, level, at: nowMs, halvings: 0 }
}

export function askBucket(
  settings: BucketSettings,
  state: BucketState,
  nowMs: number,
  ask: BucketAsk,
): { readonly state: BucketState; readonly answer: BucketAnswer } {
  let { tokens, level } = filled(settings, state, nowMs)
  let { halvings } = state
  // Of all that was sent at one speed, the first to be rejected halves it; the others tell nothing new.
  if (ask.rejectedAt === halvings) {
    level = Math.max(settings.leastLevel, level / 2)
    halvings += 1
  }
  const capacity = capacityAt(settings, level)
  tokens = ask.drain ? 0 : Math.min(tokens, capacity)
  const urgent = Math.min(ask.urgent, Math.floor(tokens))
  tokens -= urgent
  const reserve = capacity * RESERVE_SHARE
  const bulk = Math.min(ask.bulk, Math.max(0, Math.floor(tokens - reserve)))
  tokens -= bulk
  let missing = 0
  if (urgent < ask.urgent) missing = 1 - tokens
  else if (bulk < ask.bulk) missing = 1 + reserve - tokens
  const waitMs = Math.max(0, missing) / (level * settings.tokensPerMs)
  return {
    state: { tokens, level, at: Math.max(nowMs, state.at), halvings },
    answer: { urgent, bulk, waitMs, level, halvings },
  }
}

function capacityAt({ capacity }: BucketSettings, level: number): number {
  return Math.max(LEAST_CAPACITY, level * capacity)
}

/** The level rises for as long as the bucket was not full, which is demand, and falls for as long as it ran over. */
function filled(settings: BucketSettings, state: BucketState, nowMs: number): { tokens: number; level: number } {
  const passedMs = Math.max(0, nowMs - state.at)
  const capacity = capacityAt(settings, state.level)
  const tokensPerMs = state.level * settings.tokensPerMs
  const usedMs = Math.min(passedMs, Math.max(0, capacity - state.tokens) / tokensPerMs)
  const step = (1 - settings.leastLevel) / RAMP_MS
  const level = state.level + (2 * usedMs - passedMs) * step
  return {
    tokens: Math.min(capacity, state.tokens + passedMs * tokensPerMs),
    level: Math.min(1, Math.max(settings.leastLevel, level)),
  }
}

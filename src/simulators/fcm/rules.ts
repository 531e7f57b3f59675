import { type ErrorName } from './google-errors.ts'

/** What a rule or a prefix makes of a message: at most one fault, after a delay. None: the message is accepted. */
export interface Action {
  readonly error?: ErrorName
  readonly retry_after_s?: number
  readonly delay_ms?: number
  readonly reset?: true
  readonly refuse?: true
  readonly hang?: true
  readonly goaway?: true
  readonly half_answer?: true
  /** Any other answer, as it is. */
  readonly answer?: {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
}

export const FAULTS = ['error', 'reset', 'refuse', 'hang', 'goaway', 'half_answer', 'answer'] as const

export interface Match {
  /** `send` (the default) is messages:send, `token` the OAuth endpoint, which has no targets. */
  readonly on?: 'send' | 'token'
  readonly target?: string
  readonly prefix?: string
  /** The part of the matching messages that the rule takes, drawn by lot. */
  readonly share?: number
}

export interface RuleShape {
  readonly match: Match
  readonly action: Action
  /** How often it acts before it is spent; without it, for ever. */
  readonly count?: number
}

export interface Rule extends RuleShape {
  readonly id: number
  hits: number
}

/** Always there, after the rules: the first prefix that a target starts with. */
export const PREFIXES: Readonly<Record<string, Action>> = {
  'dead-': { error: 'UNREGISTERED' },
  'mismatch-': { error: 'SENDER_ID_MISMATCH' },
  'invalid-': { error: 'INVALID_ARGUMENT' },
  'malformed-': { error: 'MALFORMED_TARGET' },
  'payload-': { error: 'INVALID_PAYLOAD' },
  'apnsdead-': { error: 'APNS_UNREGISTERED' },
  'apns-': { error: 'THIRD_PARTY_AUTH_ERROR' },
  'denied-': { error: 'PERMISSION_DENIED' },
  'quota-': { error: 'QUOTA_EXCEEDED', retry_after_s: 60 },
  'unavailable-': { error: 'UNAVAILABLE' },
  'internal-': { error: 'INTERNAL' },
  'unspecified-': { error: 'UNSPECIFIED_ERROR' },
  'deadline-': { error: 'DEADLINE_EXCEEDED' },
  'badgateway-': { error: 'BAD_GATEWAY' },
  'slow-': { delay_ms: 2000 },
  'reset-': { reset: true },
  'refuse-': { refuse: true },
  'goaway-': { goaway: true },
  'hang-': { hang: true },
  'half-': { half_answer: true },
}

const PREFIX_ENTRIES = Object.entries(PREFIXES)

/** Rules are asked in the order they were added; the first that matches acts. */
export class Rules {
  readonly #random: () => number
  #rules: Rule[] = []
  #nextId = 1

  constructor(random: () => number) {
    this.#random = random
  }

  list(): readonly Rule[] {
    return this.#rules
  }

  add(shape: RuleShape): Rule {
    const rule = { id: this.#nextId, hits: 0, ...shape }
    this.#nextId += 1
    this.#rules.push(rule)
    return rule
  }

  /** Without an id, all of them. Says how many went. */
  remove(id?: number): number {
    const before = this.#rules.length
    this.#rules = id === undefined ? [] : this.#rules.filter((rule) => rule.id !== id)
    return before - this.#rules.length
  }

  actionFor(on: 'send' | 'token', target: string): Action {
    for (const rule of this.#rules) {
      if (rule.count !== undefined && rule.hits >= rule.count) continue
      if (!this.#matches(rule.match, on, target)) continue
      rule.hits += 1
      return rule.action
    }
    const prefix = on === 'send' ? PREFIX_ENTRIES.find(([text]) => target.startsWith(text)) : undefined
    return prefix === undefined ? {} : prefix[1]
  }

  #matches(match: Match, on: 'send' | 'token', target: string): boolean {
    if ((match.on ?? 'send') !== on) return false
    if (match.target !== undefined && match.target !== target) return false
    if (match.prefix !== undefined && !target.startsWith(match.prefix)) return false
    return match.share === undefined || this.#random() < match.share
  }
}

/** A small seeded generator (mulberry32): shares fall on the same messages for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

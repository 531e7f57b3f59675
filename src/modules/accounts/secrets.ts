import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { accountErrors } from './errors.ts'

/** `Algorithm.Argon2id` of the library, whose const enum type stripping cannot read. */
const ARGON2ID = 2
/** OWASP's minimum. About 20 ms of one core each, which is why there is a lane. */
const COST = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Argon2id of a value that nobody can give: what an unknown account is checked against, so that it takes as long. */
const NOBODY = hash(crypto.randomUUID(), COST)

/** Leaves a core to everybody else: a storm of logins waits here while reads go on. */
const LANE_WIDTH = Math.max(1, availableParallelism() - 1)
/** About four seconds of waiting at 20 ms each; beyond it a client is better told to come back. */
const LANE_LENGTH = 200

let running = 0
const waiting: (() => void)[] = []

export function hashSecret(secret: string): Promise<string> {
  return inLane(() => hash(secret, COST))
}

/** Constant in time over known and unknown accounts: without a hash, nobody's is verified. */
export async function verifySecret(secretHash: string | undefined, secret: string): Promise<boolean> {
  const target = secretHash ?? (await NOBODY)
  const matches = await inLane(() => verify(target, secret))
  return matches && secretHash !== undefined
}

async function inLane<T>(work: () => Promise<T>): Promise<T> {
  if (running >= LANE_WIDTH) {
    if (waiting.length >= LANE_LENGTH) throw accountErrors.busy({ retryAfterSeconds: 5 })
    // The place is handed over by whoever leaves, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else {
    running += 1
  }
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}

const PIN = /^\d{4,8}$/

/** A PIN is 4 to 8 digits, neither all the same nor a run such as 1234 or 8765. */
export function isAcceptablePin(pin: string): boolean {
  if (!PIN.test(pin)) return false
  const steps = new Set([...pin].slice(1).map((digit, place) => Number(digit) - Number(pin[place])))
  const [step] = steps
  return steps.size > 1 || step === undefined || Math.abs(step) > 1
}

/** Staff passwords: 12 characters or more, and not one character again and again. */
export function isAcceptablePassword(password: string): boolean {
  return password.length >= 12 && password.length <= 200 && new Set(password).size >= 5
}

import { randomFor } from '#src/simulators/sic/data/random.ts'
import type { Agency, Person } from './people.ts'

/** A notification to post, and whom it promises a push to. */
export interface Planned {
  readonly key: string
  readonly body: Readonly<Record<string, unknown>>
  readonly people: readonly Person[]
  readonly sendAtMs: number | undefined
  /** So long after it was accepted it is cancelled. */
  readonly cancelAfterMs: number | undefined
}

export interface Population {
  readonly people: readonly Person[]
  readonly agency: Agency
}

const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const
/** Of some lists: enough for several chunks. */
const MOST_RECIPIENTS = 300
const SOON_MS = 6_000

/** The message of this number under this seed: always the same one but for its times, whatever happens around it. */
export function messageOf({ people, agency }: Population, seed: number, number: number): Planned {
  const random = randomFor(seed, 'message', number)
  const draw = random.next()
  const several = (low: number, high: number): Person[] => {
    const some = Array.from({ length: random.between(low, high) }, () => random.pick(people))
    return [...new Set(some)]
  }
  const listed = draw < 0.35 ? several(1, 1) : draw < 0.92 ? several(2, 8) : several(130, MOST_RECIPIENTS)
  const [audience, recipients] =
    draw < 0.35
      ? [{ kind: 'user', user_id: listed[0]?.id }, listed]
      : draw < 0.95
        ? [{ kind: 'users', user_ids: listed.map(({ id }) => id) }, listed]
        : draw < 0.985
          ? [{ kind: 'agency', agency_id: agency.id }, agency.people]
          : [{ kind: 'all' }, people]
  const sendAtMs = random.next() < 0.1 ? Date.now() + random.between(1_000, SOON_MS) : undefined
  const cancelAfterMs = random.next() < 0.08 ? random.between(0, SOON_MS) : undefined
  const sendAt = sendAtMs === undefined ? {} : { send_at: new Date(sendAtMs).toISOString() }
  const body = { title: 'Essai', body: `Charge ${number}`, priority: random.pick(PRIORITIES), audience, ...sendAt }
  return { key: `message ${seed} ${number}`, body, people: recipients, sendAtMs, cancelAfterMs }
}

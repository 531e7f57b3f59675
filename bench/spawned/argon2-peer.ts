/** The peer of a login: nothing but Argon2id verifications of the same hash, one after the other. */
import { verify } from '@node-rs/argon2'
import { answerParent } from '../support/child.ts'

export interface Verifications {
  readonly hash: string
  readonly secret: string
  readonly count: number
  /** After each one, as a login has while it talks to PostgreSQL and its client: caches and memory go to others. */
  readonly pauseMs: number
}

/** CPU milliseconds of one verification. */
answerParent(async ({ hash, secret, count, pauseMs }: Verifications): Promise<number> => {
  const before = process.cpuUsage()
  for (let done = 0; done < count; done += 1) {
    if (!(await verify(hash, secret))) throw new Error('the hash is not of this secret')
    if (pauseMs > 0) await new Promise((resolve) => void setTimeout(resolve, pauseMs))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / count
})

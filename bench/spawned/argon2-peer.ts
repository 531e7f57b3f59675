/** The peer of a login: nothing but Argon2id verifications of the same hash, one after the other. */
import { verify } from '@node-rs/argon2'
import { answerParent } from '../support/child.ts'

export interface Verifications {
  readonly hash: string
  readonly secret: string
  readonly count: number
}

/** CPU milliseconds of one verification. */
answerParent(async ({ hash, secret, count }: Verifications): Promise<number> => {
  const before = process.cpuUsage()
  for (let done = 0; done < count; done += 1) {
    if (!(await verify(hash, secret))) throw new Error('the hash is not of this secret')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / count
})

import type { Tx } from '#src/database/database.ts'
import { tell } from './notices.ts'
import { type Decided, endLink, type Link, type LockedMeter, lockPeople, sharesIn } from './link-rows.ts'

/**
 * Nobody sees a meter by the word of someone who no longer owns it: the shares end with the ownership. Requests go on
 * waiting, for the agency or the next owner. Returns everyone who saw the meter.
 */
export async function endOwnership(tx: Tx, meter: LockedMeter, owner: Link, decided: Decided): Promise<string[]> {
  const shares = await sharesIn(tx, meter.id, 'accepted')
  const people = await lockPeople(tx, [owner.account_id, ...shares.map((share) => share.account_id)])
  for (const link of [owner, ...shares]) await endLink(tx, link, 'revoked', decided)
  const sharers = people.filter(({ id }) => id !== owner.account_id)
  await tell(tx, sharers, { kind: 'revoked' }, meter, decided.at)
  if (decided.by !== owner.account_id) {
    const former = people.filter(({ id }) => id === owner.account_id)
    await tell(tx, former, { kind: 'disowned' }, meter, decided.at)
  }
  return people.map(({ id }) => id)
}

import type { Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { forgetUsers } from '#src/modules/consumption/answer-version.ts'
import type { LinkParts } from './link-parts.ts'
import { endOwnership } from './end-ownership.ts'
import { tell } from './notices.ts'
import { nextState } from './states.ts'
import {
  type Decided,
  endLink,
  type Link,
  linkOf,
  lockMeter,
  type LockedMeter,
  lockPeople,
  ownerLink,
} from './link-rows.ts'

/** Takes a meter out of the caller's list, or a request of theirs back. With an owner go the shares. */
export async function removeMeter(parts: LinkParts, accountId: string, meterId: string): Promise<void> {
  const affected = await parts.db.transaction().execute(async (tx) => {
    const meter = await lockMeter(tx, meterId)
    const own = await linkOf(tx, meterId, accountId)
    if (meter === undefined || own === undefined || nextState(own.state, 'leave') === undefined) {
      throw httpErrors.notFound()
    }
    const decided = { by: accountId, at: new Date(parts.clock()) }
    const isOwner = own.role === 'owner' && own.state === 'accepted'
    return isOwner ? endOwnership(tx, meter, own, decided) : leave(tx, meter, own, decided)
  })
  parts.kick()
  await forgetUsers(parts.cache, affected)
}

/** The owner is told of a share that is given up, not of a request that is taken back. */
async function leave(tx: Tx, meter: LockedMeter, own: Link, decided: Decided): Promise<string[]> {
  const ownerId = (await ownerLink(tx, meter.id))?.account_id
  const people = await lockPeople(tx, ownerId === undefined ? [own.account_id] : [own.account_id, ownerId])
  await endLink(tx, own, 'revoked', decided)
  const who = people.find(({ id }) => id === own.account_id)
  const owner = people.filter(({ id }) => id === ownerId)
  if (own.state === 'accepted' && who !== undefined) await tell(tx, owner, { kind: 'left', who }, meter, decided.at)
  return [own.account_id]
}

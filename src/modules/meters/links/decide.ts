import type { Actor } from '#src/core/actor.ts'
import type { Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { recordAudit } from '#src/modules/audit/audit.ts'
import { forgetUsers } from '#src/modules/consumption/answer-version.ts'
import { meterErrors } from '../errors.ts'
import type { LinkParts } from './link-parts.ts'
import { endOwnership } from './end-ownership.ts'
import { tell } from './notices.ts'
import { type LinkAct, nextState } from './states.ts'
import {
  acceptLink,
  type Decided,
  endLink,
  type Link,
  linkById,
  lockMeter,
  type LockedMeter,
  lockPeople,
  ownerLink,
} from './link-rows.ts'

export type Decision = 'accepted' | 'refused' | 'revoked'

const ACT_OF: Readonly<Record<Decision, LinkAct>> = { accepted: 'accept', refused: 'refuse', revoked: 'revoke' }

/**
 * Lets somebody see a meter, or no longer. The owner decides; the agency only while there is no owner. An owner is
 * removed by an admin alone. A decision that was taken already is left as it is, and nobody is told again.
 */
export async function decideLink(parts: LinkParts, actor: Actor, linkId: string, decision: Decision): Promise<void> {
  const affected = await parts.db.transaction().execute((tx) => decideIn(tx, parts, actor, linkId, decision))
  parts.kick()
  await forgetUsers(parts.cache, affected)
}

async function decideIn(
  tx: Tx,
  { clock }: LinkParts,
  actor: Actor,
  linkId: string,
  decision: Decision,
): Promise<string[]> {
  const { meter_id: meterId } = found(await linkById(tx, linkId))
  const meter = found(await lockMeter(tx, meterId))
  // What counts is what the link is under the lock.
  const link = found(await linkById(tx, linkId))
  const owner = await ownerLink(tx, meter.id)
  refuseOutsider(actor, link, owner, decision)
  if (link.state === decision) return []
  if (nextState(link.state, ACT_OF[decision]) === undefined) {
    throw meterErrors.notInThatState({ details: { state: link.state } })
  }
  const decided = { by: actor.accountId, at: new Date(clock()) }
  if (actor.role !== 'customer') {
    const details = { meter_id: meter.id, account_id: link.account_id, decision }
    await recordAudit(tx, actor, { action: 'meter_link.decide', subjectId: link.id, details })
  }
  return link.role === 'owner'
    ? endOwnership(tx, meter, link, decided)
    : settleShare(tx, meter, link, decision, decided)
}

async function settleShare(
  tx: Tx,
  meter: LockedMeter,
  link: Link,
  decision: Decision,
  decided: Decided,
): Promise<string[]> {
  const people = await lockPeople(tx, [link.account_id])
  if (decision === 'accepted') await acceptLink(tx, link, 'shared', decided)
  else await endLink(tx, link, decision, decided)
  await tell(tx, people, { kind: decision }, meter, decided.at)
  return [link.account_id]
}

/** The route has let in the owner, the agents of the agency and admins; since then the owner may be another one. */
function refuseOutsider(actor: Actor, link: Link, owner: Link | undefined, decision: Decision): void {
  const isOwner = owner?.account_id === actor.accountId
  if (actor.role === 'customer' && !isOwner) throw httpErrors.notFound()
  if (link.role === 'owner') {
    if (actor.role !== 'admin' || decision !== 'revoked') throw meterErrors.notAShare()
    return
  }
  if (actor.role !== 'customer' && owner !== undefined) throw meterErrors.ownerDecides()
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw httpErrors.notFound()
  return row
}

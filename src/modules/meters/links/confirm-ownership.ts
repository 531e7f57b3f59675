import type { Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { forgetUsers } from '#src/modules/consumption/answer-version.ts'
import { oneTimeCodeErrors } from '#src/modules/one-time-codes/errors.ts'
import type { Verdict } from '#src/modules/one-time-codes/one-time-codes.ts'
import { meterErrors } from '../errors.ts'
import type { AddedMeter } from './add-meter.ts'
import type { LinkParts } from './link-parts.ts'
import { tell } from './notices.ts'
import { nextState } from './states.ts'
import { acceptLink, linkOf, lockMeter, type LockedMeter, lockPeople, ownerLink, sharesIn } from './link-rows.ts'

export interface Claim {
  readonly accountId: string
  readonly meterId: string
  readonly code: string
}

/** The code that was sent makes its account the owner, who is told of those who asked before or were let in. */
export async function confirmOwnership(parts: LinkParts, claim: Claim): Promise<AddedMeter> {
  const { verdict, meter } = await parts.db.transaction().execute((tx) => confirmIn(tx, parts, claim))
  // Told after the commit: a try that failed must stay counted.
  if (verdict.kind === 'wrong') throw oneTimeCodeErrors.wrongCode({ details: { tries_left: verdict.triesLeft } })
  if (verdict.kind === 'none') throw oneTimeCodeErrors.noLiveCode()
  parts.kick()
  await forgetUsers(parts.cache, [claim.accountId])
  return { meter, role: 'owner', state: 'accepted', awaits: null, isNew: false }
}

async function confirmIn(
  tx: Tx,
  { codes, clock }: LinkParts,
  { accountId, meterId, code }: Claim,
): Promise<{ verdict: Verdict; meter: LockedMeter }> {
  const meter = await lockMeter(tx, meterId)
  const [person] = await lockPeople(tx, [accountId])
  const own = await linkOf(tx, meterId, accountId)
  if (meter === undefined || person === undefined || own === undefined) throw httpErrors.notFound()
  if (nextState(own.state, 'confirm') === undefined) return { verdict: { kind: 'none' }, meter }
  const verdict = await codes.check(tx, { accountId, purpose: 'meter_owner', subjectId: meterId }, code)
  if (verdict.kind !== 'right') return { verdict, meter }
  if (verdict.phone !== person.phone) return { verdict: { kind: 'none' }, meter }
  if ((await ownerLink(tx, meterId)) !== undefined) throw meterErrors.hasOwner()
  const at = new Date(clock())
  await acceptLink(tx, own, 'owner', { by: accountId, at })
  for (const [kind, state] of [
    ['followed', 'accepted'],
    ['waiting', 'pending'],
  ] as const) {
    const { length: count } = await sharesIn(tx, meterId, state)
    if (count > 0) await tell(tx, [person], { kind, count }, meter, at)
  }
  return { verdict, meter }
}

import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { type LinkedMeter, linkedMeters, type MeterScope, meterScope } from '#src/modules/meters/linked-meters.ts'
import { consumptionErrors } from './errors.ts'

/** A question about a user's meters: all that the caller may see, or one of them. */
export interface AskedMeters {
  readonly userId: string
  readonly scope: MeterScope
  readonly meterId: string | undefined
}

export async function metersAsked(db: Db, { userId, scope, meterId }: AskedMeters): Promise<LinkedMeter[]> {
  return onlyAsked(await linkedMeters(db, userId, scope), meterId, (meter) => meter.id)
}

/** All, or the one of the meter that is asked for. */
export function onlyAsked<T>(all: readonly T[], meterId: string | undefined, idOf: (one: T) => string): T[] {
  if (meterId === undefined) return [...all]
  const asked = all.filter((one) => idOf(one) === meterId)
  if (asked.length === 0) throw consumptionErrors.meterNotFound()
  return asked
}

/** As `meterScope`; who has lost the scope since the policy was checked is told as by the policy. */
export function scopeOf(db: Db, actor: Actor, userId: string): MeterScope | Promise<MeterScope> {
  const scope = meterScope(db, actor, userId)
  return scope instanceof Promise ? scope.then(stillThere) : scope
}

function stillThere(scope: MeterScope | undefined): MeterScope {
  if (scope === undefined) throw httpErrors.notFound()
  return scope
}

import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import type { OneTimeCodes } from '#src/modules/one-time-codes/one-time-codes.ts'
import type { Cache } from '#src/ports/cache.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import type { MeterRegister } from '#src/ports/meter-register.ts'

/** What adding, sharing and removing meters is made of. */
export interface LinkParts {
  readonly db: Db
  readonly clock: Clock
  readonly cache: Cache
  /** Undefined when not configured: no meter can be added. */
  readonly register: MeterRegister | undefined
  /** Undefined when not configured: nobody's contract accounts are found. */
  readonly customers: CustomerSource | undefined
  readonly codes: OneTimeCodes
  /** The outbox was filled: publish it. Must not throw or wait. */
  readonly kick: () => void
}

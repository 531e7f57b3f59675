import type { Db } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { lockPeople } from './link-rows.ts'

/** Makes this the one meter that the account's app opens with. */
export async function setDefaultMeter(db: Db, accountId: string, meterId: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockPeople(tx, [accountId])
    await tx
      .updateTable('meter_link')
      .set({ is_default: false })
      .where('account_id', '=', accountId)
      .where('is_default', '=', true)
      .execute()
    const set = await tx
      .updateTable('meter_link')
      .set({ is_default: true })
      .where('account_id', '=', accountId)
      .where('meter_id', '=', meterId)
      .where('state', '=', 'accepted')
      .returning('id')
      .executeTakeFirst()
    if (set === undefined) throw httpErrors.notFound()
  })
}

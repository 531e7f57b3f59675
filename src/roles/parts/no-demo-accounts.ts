import type { Db } from '#src/database/database.ts'
import { verifySecret } from '#src/modules/accounts/secrets.ts'
import { Refusal } from '#src/roles/command.ts'
import { DEMO_LOGINS } from './demo-logins.ts'

/** Production must not serve accounts whose secrets are printed in the manual: throws a Refusal that names them. */
export async function refuseDemoAccounts(db: Db): Promise<void> {
  const rows = await db
    .selectFrom('account')
    .select(['phone', 'login', 'secret_hash'])
    .where('disabled_at', 'is', null)
    .where((or) =>
      or.or([
        or('login', 'in', [DEMO_LOGINS.agent.login, DEMO_LOGINS.admin.login]),
        or('phone', 'in', [DEMO_LOGINS.customer1.phone, DEMO_LOGINS.customer2.phone]),
      ]),
    )
    .execute()
  const found: string[] = []
  for (const { phone, login, secret_hash } of rows) {
    const name = login ?? phone ?? ''
    // The demo numbers could be a real customer's; the demo PINs with them could not.
    if (login !== null || (await verifySecret(secret_hash, demoPinOf(name)))) found.push(name)
  }
  if (found.length === 0) return
  throw new Refusal(
    `this database has demo accounts (${found.join(', ')}): remove or disable them, or use another database`,
  )
}

function demoPinOf(phone: string): string {
  const { customer1, customer2 } = DEMO_LOGINS
  return phone === customer1.phone ? customer1.pin : customer2.pin
}

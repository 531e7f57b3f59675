import { normalisePhone } from '#src/modules/accounts/phone.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import type { SourceUnavailable } from '#src/ports/meter-source.ts'
import type { HeldCustomer } from '#test/conformance/customer-source.ts'

/** Customers that the test put in; it passes the conformance suite of the port. */
export class MemoryCustomerSource implements CustomerSource {
  readonly held: HeldCustomer[] = []
  /** Thrown by every question while it is set. */
  failure: SourceUnavailable | undefined

  async contractAccounts(phone: string, signal?: AbortSignal): Promise<string[]> {
    signal?.throwIfAborted()
    if (this.failure !== undefined) throw this.failure
    const found = this.held.filter((customer) => normalisePhone(customer.phone) === phone)
    const accounts = found.flatMap((customer) => customer.accounts).filter((account) => !account.startsWith('023'))
    return [...new Set(accounts)]
      .toSorted()
      .slice(0, 5)
      .map((account) => account.replace(/^0+(?=.)/, ''))
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

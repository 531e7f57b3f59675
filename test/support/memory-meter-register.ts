import type { MeterRegister, RegisteredSupply } from '#src/ports/meter-register.ts'
import type { SourceUnavailable } from '#src/ports/meter-source.ts'
import type { HeldContractAccount, HeldPrepaidSupply } from '#test/conformance/meter-register.ts'

/** A register that answers from what the test put in; it passes the conformance suite of the port. */
export class MemoryMeterRegister implements MeterRegister {
  readonly prepaid: HeldPrepaidSupply[] = []
  readonly postpaid: HeldContractAccount[] = []
  asked = 0
  /** Thrown by every question while it is set. */
  failure: SourceUnavailable | undefined

  async prepaidSupplies(number: string, signal?: AbortSignal): Promise<RegisteredSupply[]> {
    this.#ask(signal)
    const found = this.prepaid.filter((held) => held.number === number).map(({ number: _number, ...supply }) => supply)
    return distinct(found).toSorted((a, b) => ((a.police ?? '') < (b.police ?? '') ? -1 : 1))
  }

  async postpaidSupplies(contractAccount: string, signal?: AbortSignal): Promise<RegisteredSupply[]> {
    this.#ask(signal)
    const found = this.postpaid.filter((held) => held.contractAccount === contractAccount)
    return distinct(found.map(({ contractAccount: _account, ...supply }) => ({ police: null, ...supply })))
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #ask(signal: AbortSignal | undefined): void {
    this.asked += 1
    signal?.throwIfAborted()
    if (this.failure !== undefined) throw this.failure
  }
}

function distinct(supplies: readonly RegisteredSupply[]): RegisteredSupply[] {
  return [...new Map(supplies.map((supply) => [JSON.stringify(supply), supply])).values()]
}

import type { MeterRegister } from '#src/ports/meter-register.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'
import { Bulkhead, type BulkheadOptions } from './bulkhead.ts'
import { CircuitBreaker, type CircuitBreakerOptions, type CircuitState } from './circuit-breaker.ts'

export type SourceGuardOptions = CircuitBreakerOptions & BulkheadOptions

/** What stands between the product and one source: a circuit breaker around a bulkhead. */
export class SourceGuard {
  readonly #breaker: CircuitBreaker
  readonly #bulkhead: Bulkhead

  constructor(options: SourceGuardOptions) {
    this.#breaker = new CircuitBreaker(options)
    this.#bulkhead = new Bulkhead(options)
  }

  get state(): CircuitState {
    return this.#breaker.state
  }

  async run<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Asked again when the turn comes: those in line when the circuit opens must not pay the source's timeout as well.
    this.#breaker.refuseIfOpen()
    return this.#bulkhead.run(() => this.#breaker.run(ask), signal)
  }
}

export function guardedPrepaidSource(source: PrepaidSource, guard: SourceGuard): PrepaidSource {
  return {
    sales: (meter, range, signal) => guard.run(() => source.sales(meter, range, signal), signal),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

export function guardedPostpaidSource(source: PostpaidSource, guard: SourceGuard): PostpaidSource {
  return {
    bills: (contractAccount, range, signal) => guard.run(() => source.bills(contractAccount, range, signal), signal),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

export function guardedMeterRegister(register: MeterRegister, guard: SourceGuard): MeterRegister {
  return {
    prepaidSupplies: (number, signal) => guard.run(() => register.prepaidSupplies(number, signal), signal),
    postpaidSupplies: (account, signal) => guard.run(() => register.postpaidSupplies(account, signal), signal),
    [Symbol.asyncDispose]: () => register[Symbol.asyncDispose](),
  }
}

export function guardedCustomerSource(source: CustomerSource, guard: SourceGuard): CustomerSource {
  return {
    contractAccounts: (phone, signal) => guard.run(() => source.contractAccounts(phone, signal), signal),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

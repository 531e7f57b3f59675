import type {
  PostpaidBill,
  PostpaidSource,
  PrepaidSale,
  PrepaidSource,
  SourceUnavailable,
} from '#src/ports/meter-source.ts'

interface Held<Key, Entry> {
  readonly key: Key
  readonly entry: Entry
}

/** What both fakes let a test do: see how often they were asked, and make them fail or wait. */
class Behaviour {
  asked = 0
  /** Thrown by every question while it is set. */
  failure: SourceUnavailable | undefined
  /** Every question waits for this first. */
  gate: Promise<void> | undefined

  async ask(signal: AbortSignal | undefined): Promise<void> {
    this.asked += 1
    signal?.throwIfAborted()
    if (this.gate !== undefined) await untilAborted(this.gate, signal)
    if (this.failure !== undefined) throw this.failure
  }
}

async function untilAborted(gate: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([gate, aborted.promise])
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

const startOf = (day: string): number => Date.parse(`${day}T00:00:00Z`)
const byText = (one: string, other: string): number => (one < other ? -1 : Number(one > other))

/** A prepaid source that answers from what the test put in; it passes the conformance suite of the port. */
export class MemoryPrepaidSource extends Behaviour implements PrepaidSource {
  readonly held: Held<{ number: string; police: string }, PrepaidSale>[] = []

  add(key: { number: string; police: string }, sale: Omit<PrepaidSale, 'delivered'> & Partial<PrepaidSale>): void {
    this.held.push({ key, entry: { delivered: {}, ...sale } })
  }

  async sales(...[meter, range, signal]: Parameters<PrepaidSource['sales']>): Promise<PrepaidSale[]> {
    await this.ask(signal)
    const from = startOf(range.from)
    const to = startOf(range.to)
    return this.held
      .filter(({ key }) => key.number === meter.number && key.police === meter.police)
      .map(({ entry }) => entry)
      .filter(({ soldAt }) => soldAt.getTime() >= from && soldAt.getTime() < to)
      .toSorted((a, b) => a.soldAt.getTime() - b.soldAt.getTime() || byText(a.orderNumber, b.orderNumber))
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A postpaid source that answers from what the test put in; it passes the conformance suite of the port. */
export class MemoryPostpaidSource extends Behaviour implements PostpaidSource {
  readonly held: Held<string, PostpaidBill>[] = []

  add(contractAccount: string, bill: Omit<PostpaidBill, 'delivered'> & Partial<PostpaidBill>): void {
    this.held.push({ key: contractAccount, entry: { delivered: {}, ...bill } })
  }

  async bills(...[contractAccount, range, signal]: Parameters<PostpaidSource['bills']>): Promise<PostpaidBill[]> {
    await this.ask(signal)
    return this.held
      .filter(({ key }) => key === contractAccount)
      .map(({ entry }) => entry)
      .filter(({ billedOn }) => billedOn >= range.from && billedOn < range.to)
      .toSorted((a, b) => byText(a.billedOn, b.billedOn) || byText(a.billId, b.billId))
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

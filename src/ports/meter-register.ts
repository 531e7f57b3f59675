/**
 * The utility's own list of who is supplied where. A register that cannot answer throws `SourceUnavailable` of
 * meter-source.ts; an empty list means that it was asked and knows no such supply. A cancelled question rejects with
 * its signal's reason. No question waits without a limit. One supply may stand in several rows.
 */
export interface MeterRegister extends AsyncDisposable {
  /** The Woyofal supplies behind the number on a meter: several where the meter has moved. */
  prepaidSupplies(number: string, signal?: AbortSignal): Promise<RegisteredSupply[]>
  /** The supplies of a contract account, without leading zeros. */
  postpaidSupplies(contractAccount: string, signal?: AbortSignal): Promise<RegisteredSupply[]>
}

/** What is needed to link a customer to a meter, and no more: names and addresses stay where they are. */
export interface RegisteredSupply {
  /** The supply contract of a prepaid meter; null for a contract account. */
  readonly police: string | null
  /** As the register spells it; null where it has none. */
  readonly phone: string | null
  /** The agency by the name that the sources use. */
  readonly agencyName: string | null
  /** The tariff code as the register spells it. */
  readonly tariffCode: string | null
}

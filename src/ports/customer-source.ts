/**
 * What the utility's copy of its customers in SAP tells of a person, and no more than linking meters needs: names and
 * addresses stay where they are. A source that cannot answer throws `SourceUnavailable` of meter-source.ts; an empty
 * list means that it was asked and knows nobody under this phone. A cancelled question rejects with its signal's reason.
 */
export interface CustomerSource extends AsyncDisposable {
  /** The contract accounts, without leading zeros, of whoever has this phone (`+221770000001`): 5 at most, in order. */
  contractAccounts(phone: string, signal?: AbortSignal): Promise<string[]>
}

/**
 * What the utility's own databases tell about a meter. A source that cannot answer throws `SourceUnavailable`;
 * an empty list means that the source was asked and holds nothing. A cancelled question rejects with its signal's
 * reason. No question waits without a limit. Rows that are the same in every column come once.
 */
export interface PrepaidSource extends AsyncDisposable {
  /** Sales of one Woyofal meter with `from` <= date < `to`, oldest first. Keyed by number and police: a number alone is reused over time. */
  sales(meter: { number: string; police: string }, range: SourceRange, signal?: AbortSignal): Promise<PrepaidSale[]>
}

export interface PostpaidSource extends AsyncDisposable {
  /** Bills of one contract account with `from` <= bill date < `to`, oldest first. */
  bills(contractAccount: string, range: SourceRange, signal?: AbortSignal): Promise<PostpaidBill[]>
}

/** Calendar days of Africa/Dakar, `YYYY-MM-DD`; `to` is exclusive. */
export interface SourceRange {
  readonly from: string
  readonly to: string
}

/** Exact decimal digits as the source delivers them, such as `113.9`; never a binary float. */
export type DecimalText = string

/** One recharge, as table HEXING_SENELECBILL_ALHDL2 of database SIC has it. */
export interface PrepaidSale {
  /** NUMERO_COMMANDE, the source's own key. */
  readonly orderNumber: string
  /** DATE_TRANSACTION, UTC. */
  readonly soldAt: Date
  /** ENERGIE_VENDUE, kWh; `0` where the source holds null. */
  readonly energyKwh: DecimalText
  /** MONTANT_RECU, else MONTANT_TTC, XOF; `0` where both are null. */
  readonly amountXof: DecimalText
  /** Every column as delivered, by its own name: decimals and dates as text. */
  readonly delivered: Readonly<Record<string, string | null>>
}

/** One bill, as table Historique of database HISTH2MC has it. */
export interface PostpaidBill {
  /** IDHistorique, the source's own key. */
  readonly billId: string
  /** DATFACT, a calendar day. */
  readonly billedOn: string
  /** BT_CONSTOT, kWh; `0` where the source holds null. */
  readonly energyKwh: DecimalText
  /** BT_MONT_TTC, else MONT_TTC, XOF; `0` where both are null. */
  readonly amountXof: DecimalText
  readonly delivered: Readonly<Record<string, string | null>>
}

/**
 * The source could not be asked, or did not answer in time or in sense. `reason` is for operators: no connection;
 * no answer in time, or no turn to ask; the source said no (login, permission, statement); an answer that cannot be
 * read; not asked because it failed just before; no address given. Neither the message nor the cause holds a secret.
 */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable'
  readonly reason: 'unreachable' | 'too_slow' | 'refused' | 'malformed' | 'circuit_open' | 'not_configured'

  constructor(reason: SourceUnavailable['reason'], options?: { cause?: unknown }) {
    super(`the meter source could not be used: ${reason}`, options)
    this.reason = reason
  }
}

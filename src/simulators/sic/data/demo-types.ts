export interface DemoAgency {
  readonly code: string
  /** As SIC and the bills spell it. */
  readonly sicName: string
  readonly displayName: string
}

export interface DemoCustomer {
  /** E.164. */
  readonly phone: string
  readonly firstName: string
  readonly lastName: string
}

export type DemoTariffClass = 'DPP' | 'PPP' | 'DMP' | 'PMP'

interface DemoSupply {
  /** What the customer types: the meter number of a prepaid meter, the contract account of a postpaid one. */
  readonly number: string
  /** The owner: a customer's phone, E.164. */
  readonly ownerPhone: string
  readonly agencyCode: string
  readonly address: string
  readonly tariffClass: DemoTariffClass
  readonly phase: 'single' | 'three'
}

export interface DemoPrepaidMeter extends DemoSupply {
  readonly kind: 'prepaid'
  readonly police: string
  /** SIC's `N° CLIENT`. */
  readonly customerNumber: string
  /** The contract that the same meter number served at an earlier place: its sales belong to somebody else. */
  readonly formerPolice?: string
}

export interface DemoPostpaidMeter extends DemoSupply {
  readonly kind: 'postpaid'
  /** Equal to `number`. */
  readonly contractAccount: string
  /** SAP's business partner, `numPartenaire`. */
  readonly customerNumber: string
  /** The number on the meter's own plate, NOCPTEUR. */
  readonly plateNumber: string
}

export type DemoMeter = DemoPrepaidMeter | DemoPostpaidMeter

/**
 * Who exists in the demo world. The simulated sources are filled for these people and meters, and the product's
 * own demo seed makes matching rows, so both sides agree on every number. Nothing here depends on a seed or a date.
 */
import { demoOthers } from './demo-others.ts'
import type { DemoAgency, DemoCustomer, DemoMeter, DemoPostpaidMeter, DemoPrepaidMeter } from './demo-types.ts'

const agencies: readonly DemoAgency[] = [
  { code: 'DKP', sicName: 'AGENCE DAKAR PLATEAU', displayName: 'Dakar Plateau' },
  { code: 'PAS', sicName: 'AGENCE PARCELLES ASSAINIES', displayName: 'Parcelles Assainies' },
  { code: 'RUF', sicName: 'AGENCE RUFISQUE', displayName: 'Rufisque' },
  { code: 'THS', sicName: 'AGENCE THIES', displayName: 'Thiès' },
  { code: 'STL', sicName: 'AGENCE SAINT LOUIS', displayName: 'Saint-Louis' },
  { code: 'KLK', sicName: 'AGENCE KAOLACK', displayName: 'Kaolack' },
]

const customer1: DemoCustomer = { phone: '+221770000001', firstName: 'Awa', lastName: 'Ndiaye' }
const customer2: DemoCustomer = { phone: '+221770000002', firstName: 'Moussa', lastName: 'Diop' }

const customer1Prepaid: DemoPrepaidMeter = {
  kind: 'prepaid',
  number: '14250000016',
  police: '210000001',
  customerNumber: '700001',
  ownerPhone: customer1.phone,
  agencyCode: 'DKP',
  address: '12 RUE FÉLIX FAURE, DAKAR',
  tariffClass: 'DPP',
  phase: 'single',
}

const customer1Postpaid: DemoPostpaidMeter = {
  kind: 'postpaid',
  number: '310000001',
  contractAccount: '310000001',
  customerNumber: '5100001',
  plateNumber: '009100001',
  ownerPhone: customer1.phone,
  agencyCode: 'DKP',
  address: '12 RUE FÉLIX FAURE, DAKAR',
  tariffClass: 'DPP',
  phase: 'three',
}

const customer2Postpaid: DemoPostpaidMeter = {
  kind: 'postpaid',
  number: '310000002',
  contractAccount: '310000002',
  customerNumber: '5100002',
  plateNumber: '009100002',
  ownerPhone: customer2.phone,
  agencyCode: 'PAS',
  address: 'UNITÉ 17, PARCELLES ASSAINIES, DAKAR',
  tariffClass: 'DPP',
  phase: 'single',
}

const others = demoOthers(agencies.map((agency) => agency.code))

/** `agentAgencyCode` is where `agent.demo` works; a share lets `phone` see a meter that another one owns. */
export const demoIdentities = {
  agencies,
  agentAgencyCode: 'DKP',
  customer1,
  customer2,
  customer1Prepaid,
  customer1Postpaid,
  customer2Postpaid,
  customers: [customer1, customer2, ...others.customers] as readonly DemoCustomer[],
  meters: [customer1Prepaid, customer1Postpaid, customer2Postpaid, ...others.meters] as readonly DemoMeter[],
  acceptedShares: [{ meterNumber: customer1Prepaid.number, phone: customer2.phone }],
} as const

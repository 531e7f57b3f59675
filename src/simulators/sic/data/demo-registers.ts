import { demoIdentities } from './demo-identities.ts'
import type { DemoMeter } from './demo-types.ts'

type Row = Readonly<Record<string, string | null>>

const owners = new Map(demoIdentities.customers.map((customer) => [customer.phone, customer]))
const agencies = new Map(demoIdentities.agencies.map((agency) => [agency.code, agency]))

export function ownerOf(meter: DemoMeter) {
  const owner = owners.get(meter.ownerPhone)
  if (owner === undefined) throw new Error(`meter ${meter.number} has no owner`)
  return owner
}

export function agencyNameOf(meter: DemoMeter): string {
  return agencies.get(meter.agencyCode)?.sicName ?? ''
}

/** The sources spell phone numbers each in its own way. */
const national = (phone: string): string => phone.slice('+221'.length)
const withCountry = (phone: string): string => phone.slice('+'.length)

const partner = (meter: DemoMeter): string => meter.customerNumber.padStart(10, '0')
const addressNumber = (meter: DemoMeter): string => `9${meter.customerNumber.padStart(9, '0')}`

const prepaid = demoIdentities.meters.filter((meter) => meter.kind === 'prepaid')
const postpaid = demoIdentities.meters.filter((meter) => meter.kind === 'postpaid')

const CONNECTION_STEPS = ['Demande reçue', 'Étude technique', 'Devis payé', 'Branchement réalisé']

/** The customer tables, by name: they do not depend on a seed or a date. */
export const demoRegisters: Readonly<Record<string, readonly Row[]>> = {
  HEXING_INFOS_ADMINISTRATIVES: prepaid.map((meter) => ({
    TELEPHONE: national(meter.ownerPhone),
    MT_COMM_ADDR: meter.number,
    CUSTOMER_NAME: ownerOf(meter).lastName.toUpperCase(),
    CUSTOMER_FirstNAME: ownerOf(meter).firstName,
  })),
  HEXING_INFOS_ADMINISTRATIVES_NEW: prepaid.map((meter) => ({
    'N° COMPTEUR': meter.number,
    poc: meter.police,
    tel: national(meter.ownerPhone),
    'N° CLIENT': meter.customerNumber,
    ADRESSE: meter.address,
    usage: meter.tariffClass,
    CLIENT: `${ownerOf(meter).firstName} ${ownerOf(meter).lastName}`.toUpperCase(),
    agence: agencyNameOf(meter),
  })),
  compteurs_postpaid: postpaid.map((meter) => ({
    TELEPHONE: withCountry(meter.ownerPhone),
    'COMPTE CONTRAT': meter.contractAccount,
    'N PARTENAIRE': meter.customerNumber,
    ADRESSE: meter.address,
    TARIF: meter.tariffClass,
    CLIENT: `${ownerOf(meter).firstName} ${ownerOf(meter).lastName}`.toUpperCase(),
    AGENCE: agencyNameOf(meter),
  })),
  BUT000: postpaid.map((meter) => ({
    PARTNER: partner(meter),
    NAME_LAST: ownerOf(meter).lastName,
    NAME_FIRST: ownerOf(meter).firstName,
    ADDRCOMM: addressNumber(meter),
  })),
  FKKVKP: postpaid.map((meter) => ({ VKONT: meter.contractAccount.padStart(12, '0'), GPART: partner(meter) })),
  ADR2: postpaid.map((meter) => ({ ADDRNUMBER: addressNumber(meter), TELNR_CALL: national(meter.ownerPhone) })),
  ADR6: postpaid.map((meter) => ({
    ADDRNUMBER: addressNumber(meter),
    SMTP_ADDR: `client${meter.customerNumber}@example.sn`,
  })),
  AVIS_ETAPES_HANA: CONNECTION_STEPS.map((step, place) => ({
    NUM_AVIS: '400000001',
    CODE_ETAPE: String((place + 1) * 10),
    NUM_PARTENAIRE: demoIdentities.customer1Postpaid.customerNumber,
    DESC_ETAPE: step,
    DATE_TERM: place < 2 ? `2023090${place + 4}` : null,
    HEURE_TERM: place < 2 ? '101500' : null,
    PRENOM: demoIdentities.customer1.firstName,
    NOM: demoIdentities.customer1.lastName,
    TELEPHONE: national(demoIdentities.customer1.phone),
    STATUT_AVIS: 'EN COURS',
    DT_DERNIERE_MAJ: '20230905',
  })),
}

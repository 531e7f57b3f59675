/**
 * The utility's tables as its own programs name them. The names of tables and columns are known; the SQL types are
 * mostly not, so they are chosen here: amounts with two decimals, energies and prices with three, codes and phone
 * numbers as text. The columns of the SAP copies (BUT000, FKKVKP, ADR2, ADR6) carry SAP's own standard names.
 */
export type SourceType =
  | { readonly kind: 'text'; readonly length: number }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'datetime' }
  | { readonly kind: 'date' }

export interface SourceColumn {
  readonly name: string
  readonly type: SourceType
  /** Never null, and a CSV file must have it: the product's queries look rows up by it. */
  readonly required: boolean
}

export interface SourceTable {
  readonly database: 'SIC' | 'HISTH2MC' | 'BI_ODS'
  readonly name: string
  readonly columns: readonly SourceColumn[]
  /** One index per list of columns. */
  readonly indexes: readonly (readonly string[])[]
}

const text = (length: number): SourceType => ({ kind: 'text', length })
const code = text(40)
const label = text(200)
const money: SourceType = { kind: 'decimal', precision: 18, scale: 2 }
const energy: SourceType = { kind: 'decimal', precision: 18, scale: 3 }
const price: SourceType = { kind: 'decimal', precision: 18, scale: 3 }
const datetime: SourceType = { kind: 'datetime' }
const date: SourceType = { kind: 'date' }
const integer: SourceType = { kind: 'integer' }
const bigint: SourceType = { kind: 'bigint' }

/** A name that ends in `!` is required. */
function columns(definition: Readonly<Record<string, SourceType>>): SourceColumn[] {
  return Object.entries(definition).map(([key, type]) => ({
    name: key.replace(/!$/, ''),
    type,
    required: key.endsWith('!'),
  }))
}

const sales: SourceTable = {
  database: 'SIC',
  name: 'HEXING_SENELECBILL_ALHDL2',
  columns: columns({
    'NUMERO_COMMANDE!': code,
    'NUMERO_COMPTEUR!': code,
    'POLICE!': code,
    NOM_AGENCE_ENCAISSEMENT: label,
    TARIF_USAGE: code,
    'DATE_TRANSACTION!': datetime,
    MONTANT_HT: money,
    MONTANT_TVA: money,
    MONTANT_TCO: money,
    MONTANT_TTC: money,
    ENERGIE_VENDUE: energy,
    SOLDE_DETTE: money,
    DETTES: money,
    NOM_OPERATEUR: label,
    TOKEN: text(100),
    MONTANT_RECU: money,
    ARRONDI: money,
    ENERGIE1: energy,
    ENERGIE2: energy,
    ENERGIE3: energy,
    PRIX1: price,
    PRIX2: price,
    PRIX3: price,
    MONTANT1: money,
    MONTANT2: money,
    MONTANT3: money,
  }),
  indexes: [['NUMERO_COMPTEUR', 'POLICE', 'DATE_TRANSACTION']],
}

const bills: SourceTable = {
  database: 'HISTH2MC',
  name: 'Historique',
  columns: columns({
    'IDHistorique!': bigint,
    numFact: code,
    'numCC!': code,
    numPartenaire: code,
    dateEnvoi: datetime,
    ADD_LIV: label,
    ADD_PRES: label,
    AI_TH1: energy,
    AGENCE: label,
    BORDEREAU: code,
    BT_MONT_HT: money,
    BT_MONT_TTC: money,
    BT_MONT_TCO: money,
    BT_TOTALFACTUR: money,
    BT_CONSTOT: energy,
    MONT_TCO: money,
    MONT_TTC: money,
    MONT_TVA: money,
    myTypeFact: code,
    NBJRS_: integer,
    NOCPTEUR: code,
    NOMPRES: label,
    PMAX: energy,
    TARIF: code,
    TOTALFACT: money,
    TYPEFACT: code,
    moisFacturation: integer,
    anneeFacturation: integer,
    typeClientele: code,
    'DATFACT!': date,
    DATEECH: date,
    BT_CONSOM1: energy,
    BT_CONSOM2: energy,
    BT_CONSOM3: energy,
  }),
  indexes: [['numCC', 'DATFACT']],
}

const customers: readonly SourceTable[] = [
  {
    database: 'SIC',
    name: 'HEXING_INFOS_ADMINISTRATIVES',
    columns: columns({ TELEPHONE: code, 'MT_COMM_ADDR!': code, CUSTOMER_NAME: label, CUSTOMER_FirstNAME: label }),
    indexes: [['TELEPHONE'], ['MT_COMM_ADDR']],
  },
  {
    database: 'SIC',
    name: 'HEXING_INFOS_ADMINISTRATIVES_NEW',
    columns: columns({
      'N° COMPTEUR!': code,
      poc: code,
      tel: code,
      'N° CLIENT': code,
      ADRESSE: label,
      usage: code,
      CLIENT: label,
      agence: label,
    }),
    indexes: [['N° COMPTEUR']],
  },
  {
    database: 'SIC',
    name: 'compteurs_postpaid',
    columns: columns({
      TELEPHONE: code,
      'COMPTE CONTRAT!': code,
      'N PARTENAIRE': code,
      ADRESSE: label,
      TARIF: code,
      CLIENT: label,
      AGENCE: label,
    }),
    indexes: [['COMPTE CONTRAT']],
  },
  {
    database: 'SIC',
    name: 'compteurs_app_mobile',
    columns: columns({ 'numero!': code, 'type_compteur!': integer }),
    indexes: [['numero']],
  },
]

const sapCopies: readonly SourceTable[] = [
  {
    database: 'BI_ODS',
    name: 'BUT000',
    columns: columns({ 'PARTNER!': code, NAME_LAST: label, NAME_FIRST: label, ADDRCOMM: code }),
    indexes: [['PARTNER'], ['ADDRCOMM']],
  },
  { database: 'BI_ODS', name: 'FKKVKP', columns: columns({ 'VKONT!': code, 'GPART!': code }), indexes: [['GPART']] },
  {
    database: 'BI_ODS',
    name: 'ADR2',
    columns: columns({ 'ADDRNUMBER!': code, TELNR_CALL: code }),
    indexes: [['TELNR_CALL'], ['ADDRNUMBER']],
  },
  {
    database: 'BI_ODS',
    name: 'ADR6',
    columns: columns({ 'ADDRNUMBER!': code, SMTP_ADDR: label }),
    indexes: [['ADDRNUMBER']],
  },
  {
    database: 'BI_ODS',
    name: 'AVIS_ETAPES_HANA',
    columns: columns({
      'NUM_AVIS!': code,
      CODE_ETAPE: code,
      NUM_PARTENAIRE: code,
      DESC_ETAPE: label,
      DATE_TERM: code,
      HEURE_TERM: code,
      PRENOM: label,
      NOM: label,
      TELEPHONE: code,
      STATUT_AVIS: code,
      DT_DERNIERE_MAJ: code,
    }),
    indexes: [['NUM_AVIS', 'CODE_ETAPE']],
  },
]

export const sourceTables: readonly SourceTable[] = [sales, bills, ...customers, ...sapCopies]

/** By the name that the source uses, without regard to case, as SQL Server compares it. */
export function findSourceTable(name: string): SourceTable | undefined {
  return sourceTables.find((table) => table.name.toLowerCase() === name.toLowerCase())
}

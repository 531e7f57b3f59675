/**
 * Every statement that the product sends to the utility's databases. Decimals and dates leave the source as text:
 * the client turns `decimal` into binary floats, and text is exact. The tables have an alias so that ORDER BY means
 * the column and not its text of the same name, which no index knows. Every one has a limit: a join gone wrong in the
 * source must not fill our memory.
 */

/** Five purchases a day in all the years that are kept: a longer answer is none. */
export const MOST_ROWS = 20_000

/**
 * The exact digits of a number. Style 2, as without it `money` loses two of its four places and `float` all beyond six
 * digits; a `float` then comes with an exponent, and is refused for what it is. 41: the longest `decimal`, with its sign.
 */
export const exactText = (number: string): string => `CONVERT(varchar(41), ${number}, 2)`

const texts = (...names: string[]): string[] => names.map((name) => `t.${name} AS ${name}`)
const decimals = (...names: string[]): string[] => names.map((name) => `${exactText(`t.${name}`)} AS ${name}`)
/** Style 126 is ISO 8601 without a zone; it leaves the milliseconds out when they are zero. */
const dates = (...names: string[]): string[] => names.map((name) => `CONVERT(varchar(33), t.${name}, 126) AS ${name}`)

const saleColumns = [
  ...texts('NUMERO_COMMANDE', 'NUMERO_COMPTEUR', 'POLICE', 'NOM_AGENCE_ENCAISSEMENT', 'TARIF_USAGE'),
  ...dates('DATE_TRANSACTION'),
  ...decimals('MONTANT_HT', 'MONTANT_TVA', 'MONTANT_TCO', 'MONTANT_TTC', 'ENERGIE_VENDUE', 'SOLDE_DETTE', 'DETTES'),
  ...texts('NOM_OPERATEUR', 'TOKEN'),
  ...decimals('MONTANT_RECU', 'ARRONDI'),
  ...decimals('ENERGIE1', 'ENERGIE2', 'ENERGIE3', 'PRIX1', 'PRIX2', 'PRIX3', 'MONTANT1', 'MONTANT2', 'MONTANT3'),
]

const billColumns = [
  ...decimals('IDHistorique'),
  ...texts('numFact', 'numCC', 'numPartenaire'),
  ...dates('dateEnvoi'),
  ...texts('ADD_LIV', 'ADD_PRES'),
  ...decimals('AI_TH1'),
  ...texts('AGENCE', 'BORDEREAU'),
  ...decimals('BT_MONT_HT', 'BT_MONT_TTC', 'BT_MONT_TCO', 'BT_TOTALFACTUR', 'BT_CONSTOT'),
  ...decimals('MONT_TCO', 'MONT_TTC', 'MONT_TVA'),
  ...texts('myTypeFact'),
  ...decimals('NBJRS_'),
  ...texts('NOCPTEUR', 'NOMPRES'),
  ...decimals('PMAX'),
  ...texts('TARIF'),
  ...decimals('TOTALFACT'),
  ...texts('TYPEFACT'),
  ...decimals('moisFacturation', 'anneeFacturation'),
  ...texts('typeClientele'),
  ...dates('DATFACT', 'DATEECH'),
  ...decimals('BT_CONSOM1', 'BT_CONSOM2', 'BT_CONSOM3'),
]

export const statements = {
  /** Parameters: number, police (varchar), since, before (datetime2). */
  salesOfMeter: `SELECT TOP ${MOST_ROWS + 1} ${saleColumns.join(', ')}
FROM HEXING_SENELECBILL_ALHDL2 AS t
WHERE t.NUMERO_COMPTEUR = @number AND t.POLICE = @police AND t.DATE_TRANSACTION >= @since AND t.DATE_TRANSACTION < @before
ORDER BY t.DATE_TRANSACTION, t.NUMERO_COMMANDE`,

  /** Parameters: account (varchar), since, before (datetime2). */
  billsOfAccount: `SELECT TOP ${MOST_ROWS + 1} ${billColumns.join(', ')}
FROM Historique AS t
WHERE t.numCC = @account AND t.DATFACT >= @since AND t.DATFACT < @before
ORDER BY t.DATFACT, t.IDHistorique`,

  /** Parameter: number (varchar). No name and no address is asked for: the product has no use for them. */
  suppliesOfMeter: `SELECT TOP 20 t.poc AS police, t.tel AS phone, t.agence AS agency, t.usage AS tariff
FROM HEXING_INFOS_ADMINISTRATIVES_NEW AS t
WHERE t.[N° COMPTEUR] = @number
ORDER BY t.poc, t.tel`,

  /** Parameter: account (varchar). */
  suppliesOfAccount: `SELECT TOP 20 t.TELEPHONE AS phone, t.AGENCE AS agency, t.TARIF AS tariff
FROM compteurs_postpaid AS t
WHERE t.[COMPTE CONTRAT] = @account
ORDER BY t.TELEPHONE`,

  /** Parameters: national, withCountry, withPlus, withZeros (varchar). Accounts that begin with 023 were never shown to customers. */
  accountsOfPhone: `SELECT DISTINCT TOP 5 k.VKONT AS VKONT
FROM ADR2 AS a
JOIN BUT000 AS b ON b.ADDRCOMM = a.ADDRNUMBER
JOIN FKKVKP AS k ON k.GPART = b.PARTNER
WHERE a.TELNR_CALL IN (@national, @withCountry, @withPlus, @withZeros) AND k.VKONT NOT LIKE '023%'
ORDER BY k.VKONT`,
} as const

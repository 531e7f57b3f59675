import { postpaidSourceConformance, prepaidSourceConformance } from '#test/conformance/meter-source.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerPostpaidSource } from './postpaid-source.ts'
import { sqlServerPrepaidSource } from './prepaid-source.ts'

prepaidSourceConformance('SQL Server', async () => {
  const sic = await sicUnderTest()
  const source = sqlServerPrepaidSource(sic.options('SIC'))
  return {
    source,
    put: (sales) =>
      sic.insert(
        'HEXING_SENELECBILL_ALHDL2',
        sales.map((sale) => ({
          NUMERO_COMMANDE: sale.orderNumber,
          NUMERO_COMPTEUR: sale.number,
          POLICE: sale.police,
          DATE_TRANSACTION: sale.soldAt,
          ENERGIE_VENDUE: sale.energyKwh,
          MONTANT_RECU: sale.receivedXof,
          MONTANT_TTC: sale.withTaxXof,
        })),
      ),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await sic[Symbol.asyncDispose]()
    },
  }
})

postpaidSourceConformance('SQL Server', async () => {
  const sic = await sicUnderTest()
  const source = sqlServerPostpaidSource(sic.options('HISTH2MC'))
  return {
    source,
    put: (bills) =>
      sic.insert(
        'Historique',
        bills.map((bill) => ({
          IDHistorique: bill.billId,
          numCC: bill.contractAccount,
          DATFACT: bill.billedOn,
          BT_CONSTOT: bill.energyKwh,
          BT_MONT_TTC: bill.lowVoltageXof,
          MONT_TTC: bill.withTaxXof,
        })),
      ),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await sic[Symbol.asyncDispose]()
    },
  }
})

import { postpaidSourceConformance, prepaidSourceConformance } from '#test/conformance/meter-source.ts'
import { MemoryPostpaidSource, MemoryPrepaidSource } from './memory-meter-source.ts'

prepaidSourceConformance('memory', async () => {
  const source = new MemoryPrepaidSource()
  return {
    source,
    put: async (sales) => {
      for (const { number, police, orderNumber, soldAt, energyKwh, receivedXof, withTaxXof } of sales) {
        const amounts = { energyKwh: energyKwh ?? '0', amountXof: receivedXof ?? withTaxXof ?? '0' }
        source.add({ number, police }, { orderNumber, soldAt: new Date(`${soldAt}Z`), ...amounts })
      }
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
})

postpaidSourceConformance('memory', async () => {
  const source = new MemoryPostpaidSource()
  return {
    source,
    put: async (bills) => {
      for (const { contractAccount, billId, billedOn, energyKwh, lowVoltageXof, withTaxXof } of bills) {
        const amounts = { energyKwh: energyKwh ?? '0', amountXof: lowVoltageXof ?? withTaxXof ?? '0' }
        source.add(contractAccount, { billId, billedOn, ...amounts })
      }
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
})

import { customerSourceConformance } from '#test/conformance/customer-source.ts'
import { MemoryCustomerSource } from './memory-customer-source.ts'

customerSourceConformance('memory', async () => {
  const source = new MemoryCustomerSource()
  return {
    source,
    put: async (customers) => void source.held.push(...customers),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
})

import { meterRegisterConformance } from '#test/conformance/meter-register.ts'
import { MemoryMeterRegister } from './memory-meter-register.ts'

meterRegisterConformance('memory', async () => {
  const register = new MemoryMeterRegister()
  return {
    register,
    putPrepaid: async (supplies) => void register.prepaid.push(...supplies),
    putPostpaid: async (accounts) => void register.postpaid.push(...accounts),
    [Symbol.asyncDispose]: () => register[Symbol.asyncDispose](),
  }
})

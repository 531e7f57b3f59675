import { smsConformance } from '#test/conformance/sms.ts'
import { MemorySms } from './memory-sms.ts'

smsConformance('memory', () => {
  const sms = new MemorySms()
  return { sms, received: () => sms.sent, fail: () => void (sms.isFailing = true) }
})

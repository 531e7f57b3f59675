import { createLogger } from '#src/core/logger.ts'
import { eventBusConformance } from '#test/conformance/event-bus.ts'
import { memoryEventBus } from './memory.ts'

eventBusConformance('memory', () => {
  const bus = memoryEventBus({ log: createLogger('silent') })
  return Promise.resolve({ bus, peer: bus })
})

import { systemTimers, type Timers } from '#src/core/timers.ts'
import type { Broker } from '#src/ports/broker.ts'
import { MemoryConnection } from './memory-connection.ts'
import { MemoryTopology } from './memory-topology.ts'

export interface MemoryBroker {
  connect(): Broker & Pick<MemoryConnection, 'dropConnection' | 'restoreConnection'>
}

/** A message broker inside the process. Nothing in it survives the process: promises are kept elsewhere. */
export function memoryBroker({ timers = systemTimers }: { readonly timers?: Timers } = {}): MemoryBroker {
  const topology = new MemoryTopology(timers)
  return { connect: () => new MemoryConnection(topology) }
}

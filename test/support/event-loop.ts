import { setImmediate } from 'node:timers/promises'

/** Lets input and output happen: `inject` and the memory cache answer without leaving the current turn of the event loop. */
export function aTurn(): Promise<void> {
  return setImmediate()
}

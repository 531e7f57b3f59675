import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '#src/core/logger.ts'
import { Refusal } from '#src/roles/command.ts'

const PAUSE_MS = 1_000

/**
 * Asks again until there is an answer: after a power cut the servers come up in any order, and a process that gave up
 * would have to be started by hand. A refusal is an answer.
 */
export async function untilAnswered<T>(what: string, ask: () => Promise<T>, log: Logger): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof Refusal) throw error
      if (attempt === 1) log.warn({ reason: (error as Error).message }, `waiting for ${what}`)
      await delay(PAUSE_MS)
    }
  }
}

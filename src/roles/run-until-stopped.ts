import { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { stopSignal } from './stop-signal.ts'

/** After this the process ends whatever still hangs: whoever sent the signal expects an end within ten seconds. */
const STOP_LIMIT_MS = 9_000

/**
 * Starts a long-lived role, stays until SIGINT or SIGTERM, and closes what was opened, the last first. A signal in the
 * middle of the start is a stop too. Returns the exit code 0; a start that fails closes what it had opened and throws.
 */
export async function runUntilStopped(log: Logger, start: (opened: CloseStack) => Promise<void>): Promise<number> {
  const opened = new CloseStack(log)
  const stopped = stopSignal()
  let exitCode = 1
  try {
    await Promise.race([start(opened), stopped])
    await stopped
    exitCode = 0
    return exitCode
  } finally {
    setTimeout(() => process.exit(exitCode), STOP_LIMIT_MS).unref()
    await opened.close()
  }
}

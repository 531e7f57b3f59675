import { parseArgs } from 'node:util'
import { type Env, loadConfig } from '#src/config/load.ts'
import { systemClock } from '#src/core/clock.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { migrate } from '#src/database/migrate.ts'
import { seedDemo } from './embedded/demo.ts'
import { startEngine } from './embedded/engine.ts'
import { openHome } from './embedded/home.ts'
import { portIsTaken, refuseTakenPort } from './embedded/ports.ts'
import { readyMessage } from './embedded/ready-message.ts'
import { stopSignal } from './embedded/stop-signal.ts'
import { buildApi } from './parts/server.ts'

/** After this the process ends whatever still hangs: npm, a balancer and the user expect an end within ten seconds. */
const STOP_LIMIT_MS = 9_000

/** The whole system: engine, simulators, API and workers; stays until a signal asks it to stop. */
export async function run(args: readonly string[], env: Env): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const config = loadConfig('embedded', env)
  // Standard output is for the person who started it; the log goes beside.
  const log = createLogger(config.LOG_LEVEL ?? 'info', process.stderr)
  const opened = new CloseStack(log)
  const stopped = stopSignal()
  try {
    const port = Number(config.PORT)
    await refuseTakenPort(port)
    await Promise.race([start(config, port, log, opened), stopped])
    await stopped
    return 0
  } finally {
    setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref()
    await opened.close()
  }
}

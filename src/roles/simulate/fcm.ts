import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createLogger } from '#src/core/logger.ts'
import { Refusal } from '#src/roles/command.ts'
import { stopSignal } from '#src/roles/stop-signal.ts'
import { controlHelp } from '#src/simulators/fcm/control-help.ts'
import { startFcmSimulator } from '#src/simulators/fcm/fcm-simulator.ts'
import { portArgument } from './port-argument.ts'

const HELP = `Usage: simulate fcm --port P [--control-port P] [--dir DIR] [--seed N] [--counts-only [--but PREFIX]]

Firebase Cloud Messaging on 127.0.0.1: OAuth token endpoint and messages:send, HTTP/2 and HTTP/1.1 over TLS.
  --port P          of FCM itself; 0 takes a free one
  --control-port P  of the control routes; 0, the default, takes a free one
  --dir DIR         where the service account and the CA file are kept (a folder in the system's temporary one by default)
  --seed N          what shares of rules are drawn with
  --counts-only     keep no message, and count how often each push was accepted: for millions of them
  --but PREFIX      messages to targets that start so are kept all the same

${controlHelp}`

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      'control-port': { type: 'string', default: '0' },
      dir: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'counts-only': { type: 'boolean', default: false },
      but: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new Refusal('--seed takes a whole number')
  const stopped = stopSignal()
  const dir = values.dir ?? join(tmpdir(), `samaconso-fcm-${process.pid}`)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const simulator = await startFcmSimulator({
    host: '127.0.0.1',
    port: portArgument('--port', values.port),
    controlPort: portArgument('--control-port', values['control-port']),
    seed,
    ...(values['counts-only'] ? { countsOnlyBut: values.but } : {}),
    log: createLogger('info', process.stderr),
    dir,
  })
  process.stdout.write(
    [
      `simulator fcm ready on ${simulator.baseUrl}`,
      `  service account  ${simulator.credentialsFile}`,
      `  CA file          ${simulator.caFile}`,
      `  control          ${simulator.control.url}`,
      '',
    ].join('\n'),
  )
  await stopped
  await simulator.close()
  return 0
}

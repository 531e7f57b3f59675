import { join } from 'node:path'
import { environment } from '#src/config/environment.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { startWatched } from '#src/processes/watched-process.ts'
import { homePaths, type Secrets, writePrivate } from './home.ts'
import { freeOrAny } from './ports.ts'

export interface Simulators {
  readonly sic: { readonly port: number; readonly user: string }
  readonly fcm: {
    readonly baseUrl: string
    readonly credentialsFile: string
    readonly caFile: string
    readonly controlUrl: string
  }
}

const MAIN = join(import.meta.dirname, '../../main.ts')
const READY_LIMIT_MS = 30_000
/** Near the API's port, so that the README can name it; another when it is taken. */
const FCM_CONTROL_OFFSET = 10

/** Both simulators, each a process of its own: what stands in for another company's servers shares no memory with us. */
export async function startSimulators(
  options: { home: string; secrets: Secrets; sourcesUrl: string; apiPort: number },
  log: Logger,
  opened: CloseStack,
): Promise<Simulators> {
  const paths = homePaths(options.home)
  await writePrivate(paths.sicDatabaseUrl, options.sourcesUrl)
  await writePrivate(paths.sicPassword, options.secrets.sourcePassword)
  const controlPort = await freeOrAny(options.apiPort + FCM_CONTROL_OFFSET)
  const [sic, fcm] = await Promise.all([
    startSimulator(
      'sic',
      ['--database-url-file', paths.sicDatabaseUrl, '--password-file', paths.sicPassword],
      log,
      opened,
    ),
    startSimulator('fcm', ['--control-port', String(controlPort), '--dir', paths.fcm], log, opened),
  ])
  return {
    sic: { port: Number(sic.address.split(':').at(-1)), user: told(sic, 'login') },
    fcm: {
      baseUrl: fcm.address,
      credentialsFile: told(fcm, 'service account'),
      caFile: told(fcm, 'CA file'),
      controlUrl: told(fcm, 'control'),
    },
  }
}

interface Announced {
  readonly address: string
  /** What the ready message tells, by its label. */
  readonly facts: ReadonlyMap<string, string>
}

async function startSimulator(
  name: 'sic' | 'fcm',
  args: readonly string[],
  log: Logger,
  opened: CloseStack,
): Promise<Announced> {
  const ready = Promise.withResolvers<Announced>()
  const facts = new Map<string, string>()
  let address: string | undefined
  const child = startWatched({
    command: process.execPath,
    args: [MAIN, 'simulate', name, '--port', '0', ...args],
    env: { PATH: environment['PATH'], NODE_COMPILE_CACHE: environment['NODE_COMPILE_CACHE'] },
    stopSignals: ['SIGTERM'],
    graceMs: 3_000,
    onLine: (line, stream) => {
      if (stream === 'stderr') return log.debug({ part: `simulator ${name}` }, line)
      address ??= /^simulator \w+ ready on (\S+)$/.exec(line)?.[1]
      const [, label, fact] = /^ {2}(\S.*?) {2,}(.*)$/.exec(line) ?? []
      if (label !== undefined && fact !== undefined) facts.set(label, fact)
      // The control address is the last line of both messages.
      if (label === 'control' && address !== undefined) ready.resolve({ address, facts })
    },
  })
  opened.add(`simulator ${name}`, child)
  const limit = setTimeout(
    () => ready.reject(new Error(`simulator ${name} is not ready after ${READY_LIMIT_MS} ms`)),
    READY_LIMIT_MS,
  )
  void child.exited.then(({ code }) =>
    ready.reject(new Error(`simulator ${name} ended at its start (exit code ${code})`)),
  )
  try {
    return await ready.promise
  } finally {
    clearTimeout(limit)
  }
}

function told({ facts }: Announced, label: string): string {
  const fact = facts.get(label)
  if (fact === undefined) throw new Error(`the simulator did not tell its ${label}`)
  return fact
}

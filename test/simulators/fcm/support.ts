import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { fcmGateway, type FcmGatewayOptions } from '#src/adapters/push/fcm/fcm-gateway.ts'
import type { PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { type FcmSimulator, type FcmSimulatorOptions, startFcmSimulator } from '#src/simulators/fcm/fcm-simulator.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { captureLog, type LogCapture } from '#test/support/log.ts'

export interface SimulatedFcm {
  readonly simulator: FcmSimulator
  readonly capture: LogCapture
  /** The parsed service-account file. */
  readonly account: Record<string, string>
  /** A gateway that trusts the simulator; closed after the test. */
  gateway(options?: Partial<FcmGatewayOptions>): PushGateway
  rule(rule: object): Promise<void>
}

const folders: string[] = []
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** A folder of its own is for a test that needs another key and certificate: making them takes a while. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-fcm-'))
  folders.push(folder)
  return folder
}

/** A simulator of its own for one test, closed with it; its key and certificate are those of the test file. */
export async function simulatedFcm(t: TestContext, options: Partial<FcmSimulatorOptions> = {}): Promise<SimulatedFcm> {
  const dir = folders[0] ?? newFolder()
  const capture = captureLog()
  const simulator = await startFcmSimulator({ host: '127.0.0.1', port: 0, log: capture.log, dir, ...options })
  const gateways: PushGateway[] = []
  t.after(async () => {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]()
    await simulator.close()
  })
  return {
    simulator,
    capture,
    account: JSON.parse(readFileSync(simulator.credentialsFile, 'utf8')) as Record<string, string>,
    gateway: (more = {}) => {
      const { credentialsFile, baseUrl, caFile } = simulator
      const source = more.credentials === undefined ? { credentialsFile } : {}
      const gateway = fcmGateway({ ...source, baseUrl, caFile, log: capture.log, drainMs: 200, ...more })
      gateways.push(gateway)
      return gateway
    },
    rule: async (rule) => {
      const response = await fetch(`${simulator.control.url}/rules`, { method: 'POST', body: JSON.stringify(rule) })
      if (response.status !== 201) throw new Error(await response.text())
    },
  }
}

/**
 * What comes of a push to a target that never answers in full. Time stands still until the push and what there is of its
 * answer have arrived, and then passes at once, so that nothing that does answer can be too late.
 */
export async function outcomeOfSilence(t: TestContext, fcm: SimulatedFcm, target: string): Promise<PushOutcome> {
  const gateway = fcm.gateway({ sessions: 1, timeoutMs: 15_000 })
  await gateway.send(pushTo('before'))
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const outcome = gateway.send(pushTo(target))
  // On one connection answers come in their order: after this one's there is nothing more to come.
  await gateway.send(pushTo('behind'))
  t.mock.timers.tick(15_000)
  t.mock.timers.reset()
  return outcome
}

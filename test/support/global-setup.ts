import { SERVER_VARIABLE, startTestServer, type TestServer } from '#test/support/postgres-server.ts'
import { offerRabbitmq } from '#test/support/shared-rabbitmq.ts'

/** Runs once before all test files (node --test-global-setup) and once after them. */

let server: TestServer | undefined
let rabbitmq: AsyncDisposable | undefined

export async function globalSetup(): Promise<void> {
  rabbitmq = await offerRabbitmq()
  // Set when a run is started by a test, or by somebody who has a server at hand.
  if (process.env[SERVER_VARIABLE] !== undefined) return
  server = await startTestServer()
  process.env[SERVER_VARIABLE] = server.url
}

export async function globalTeardown(): Promise<void> {
  await rabbitmq?.[Symbol.asyncDispose]()
  await server?.close()
}

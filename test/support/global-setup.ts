import { SERVER_VARIABLE, startTestServer, type TestServer } from '#test/support/postgres-server.ts'

/** Runs once before all test files (node --test-global-setup) and once after them. */

let server: TestServer | undefined

export async function globalSetup(): Promise<void> {
  server = await startTestServer()
  process.env[SERVER_VARIABLE] = server.url
}

export async function globalTeardown(): Promise<void> {
  await server?.close()
}

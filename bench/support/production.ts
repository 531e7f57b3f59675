import { SERVER_VARIABLE, startTestServer } from '#test/support/postgres-server.ts'
import { type RealSystem, realSystem } from '#test/support/real-system.ts'

/** PostgreSQL, PgBouncer, RabbitMQ and Redis as in production, an FCM beside, and none of our processes yet. */
export async function productionEngines(opened: AsyncDisposableStack): Promise<RealSystem> {
  const postgres = await startTestServer()
  opened.defer(() => postgres.close())
  process.env[SERVER_VARIABLE] = postgres.url
  return opened.use(await realSystem())
}

import { writeFile } from 'node:fs/promises'
import { describeSchema } from './describe-schema.ts'
import { migrate } from '#src/database/migrate.ts'
import { startTestServer } from '#test/support/postgres-server.ts'

/** Part of `npm run generate`: writes schema.sql anew from the migrations. */
const server = await startTestServer()
try {
  await migrate(server.url)
  await writeFile(new URL('../../schema.sql', import.meta.url), await describeSchema(server.url))
} finally {
  await server.close()
}

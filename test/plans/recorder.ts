import type { CompiledQuery, KyselyPlugin } from 'kysely'
import type { Db } from '#src/database/database.ts'

export interface Recorder {
  /** Does what the recorded one does, and writes down every statement. */
  readonly db: Db
  /** The statements since the last call, in order. */
  take(): CompiledQuery[]
}

export function recorderOf(db: Db): Recorder {
  const statements: CompiledQuery[] = []
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      statements.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { db: db.withPlugin(plugin), take: () => statements.splice(0) }
}

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
  const recorded = new Proxy(db.withPlugin(plugin), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name !== 'executeQuery') return member.bind(target)
      // What was compiled before goes past the plugin.
      return (query: CompiledQuery) => {
        statements.push(query)
        return target.executeQuery(query)
      }
    },
  })
  return { db: recorded, take: () => statements.splice(0) }
}

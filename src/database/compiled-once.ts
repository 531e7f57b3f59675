import type { Compilable, CompiledQuery } from 'kysely'
import type { Db } from '#src/database/database.ts'

/**
 * A statement that is asked so often that to build and compile it each time would cost more than to send it. It is
 * built once, with a mark in the place of each parameter, whose values go there when it runs; to PostgreSQL it is as
 * unnamed as any other. What is built must not depend on the parameters' values.
 */
export function compiledOnce<P extends Readonly<Record<string, string>>, R>(
  build: (db: Db, parameters: P) => Compilable<R>,
): (db: Db, parameters: P) => Promise<R[]> {
  let compiled: CompiledQuery<R> | undefined
  return async (db, parameters) => {
    // A plugin that looks at statements sees what is run, and no marks.
    compiled ??= build(db.withoutPlugins(), marks as P).compile()
    const values = compiled.parameters.map((value) => (value instanceof Mark ? parameters[value.name] : value))
    return (await db.executeQuery<R>({ ...compiled, parameters: values })).rows
  }
}

class Mark {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

const marks: object = new Proxy({}, { get: (_, name) => new Mark(String(name)) })

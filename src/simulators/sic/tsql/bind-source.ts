import { unknownDatabase, unknownObject } from '../sql-error.ts'
import type { CatalogTable } from './catalog.ts'
import type { BoundSource, Scope, Translation } from './scope.ts'
import type { Join, Place, Query, Source } from './syntax.ts'
import { translateCondition } from './translate-condition.ts'
import { type TranslatedQuery, translateQuery } from './translate-query.ts'
import { quoteName } from './typed.ts'

/** The queries of a WITH, visible in everything below it. */
export class NamedQueries {
  readonly #queries = new Map<string, { alias: string; query: TranslatedQuery; columnNames: readonly string[] }>()
  readonly prefix: string

  constructor(query: Query, translation: Translation, parent: Scope | undefined) {
    const definitions: string[] = []
    for (const definition of query.named) {
      const inner = {
        ...definition.query,
        named: [...query.named.slice(0, definitions.length), ...definition.query.named],
      }
      const alias = translation.nextAlias()
      const translated = translateQuery(inner, translation, parent)
      definitions.push(`${alias} as (${translated.sql})`)
      const key = definition.name.toLowerCase()
      this.#queries.set(key, { alias, query: translated, columnNames: definition.columnNames })
    }
    this.prefix = definitions.length === 0 ? '' : `with ${definitions.join(', ')} `
  }

  find(path: readonly string[]): { alias: string; query: TranslatedQuery; columnNames: readonly string[] } | undefined {
    return path.length === 1 ? this.#queries.get((path[0] ?? '').toLowerCase()) : undefined
  }
}

export function bindJoin(
  join: Join,
  scope: Scope,
  translation: Translation,
  named: NamedQueries,
  parent: Scope | undefined,
): string {
  const source = bindSource(join.source, scope, translation, named, parent)
  const on = join.on === undefined ? '' : ` on ${translateCondition(join.on, scope, translation)}`
  return ` ${join.kind} join ${source}${on}`
}

/** Adds the source's columns to the scope and gives its place in FROM. */
export function bindSource(
  source: Source,
  scope: Scope,
  translation: Translation,
  named: NamedQueries,
  parent: Scope | undefined,
): string {
  const alias = translation.nextAlias()
  if (source.source === 'query') {
    const query = translateQuery(source.query, translation, parent)
    scope.sources.push(bindQuery(source.alias, alias, query, source.columnNames))
    return `(${query.sql}) ${alias}`
  }
  const definition = named.find(source.path)
  if (definition !== undefined) {
    const name = source.alias ?? source.path[0] ?? ''
    scope.sources.push(bindQuery(name, alias, definition.query, definition.columnNames))
    return `${definition.alias} ${alias}`
  }
  const table = findTable(source.path, translation, source.at)
  scope.sources.push(bindTable(source.alias ?? table.name, alias, table))
  return `${quoteName(table.database)}.${quoteName(table.name)} ${alias}`
}

function bindQuery(name: string, alias: string, query: TranslatedQuery, columnNames: readonly string[]): BoundSource {
  const columns = query.columns.map((column, index) => ({
    name: columnNames[index] ?? column.name,
    value: { sql: `${alias}.c${index + 1}`, type: column.type },
  }))
  return { name, columns }
}

function bindTable(name: string, alias: string, table: CatalogTable): BoundSource {
  const columns = table.columns.map((column) => {
    const sql = `${alias}.${quoteName(column.name)}`
    return { name: column.name, value: { sql: column.isBoolean ? `(${sql})::integer` : sql, type: column.type } }
  })
  return { name, columns }
}

/** `[server.]database.schema.table`: the schema is always dbo. */
export function findTable(path: readonly string[], translation: Translation, at: Place): CatalogTable {
  const name = path.at(-1) ?? ''
  const schema = path.at(-2) ?? ''
  const database = path.at(-3) ?? translation.database
  const isKnownSchema = schema === '' || schema.toLowerCase() === 'dbo'
  const isLocal = path.length <= 3
  if (isLocal && translation.catalog.database(database) === undefined) throw unknownDatabase(database, at.line)
  const table = isLocal && isKnownSchema ? translation.catalog.table(database, name) : undefined
  if (table === undefined) throw unknownObject(path.join('.'), at.line)
  return table
}

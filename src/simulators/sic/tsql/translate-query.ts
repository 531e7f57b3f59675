import { incorrectSyntax, SqlError } from '../sql-error.ts'
import { BIGINT } from '../sql-type.ts'
import type { ResultColumn } from '../tds/tokens.ts'
import { bindJoin, bindSource, NamedQueries } from './bind-source.ts'
import { convert, convertIfNeeded } from './conversions.ts'
import { Scope, type Translation } from './scope.ts'
import { sortKey } from './sort-key.ts'
import type { Expression, OrderItem, Place, Query, Select, SelectItem } from './syntax.ts'
import { translateCondition } from './translate-condition.ts'
import { translateValue } from './translate-value.ts'
import { commonType, resultType, type Typed } from './typed.ts'

/**
 * A query in PostgreSQL's language; its columns are named c1, c2 and so on there. Comparisons and ORDER BY ignore the
 * case of texts; DISTINCT, GROUP BY and UNION tell texts apart exactly, unlike SQL Server.
 */
export interface TranslatedQuery {
  readonly sql: string
  readonly columns: readonly ResultColumn[]
}

interface OutputColumn {
  readonly name: string
  readonly value: Typed
}

/** @param parent the scope around a subquery */
export function translateQuery(query: Query, translation: Translation, parent?: Scope): TranslatedQuery {
  const named = new NamedQueries(query, translation, parent)
  const isPlain = query.others.length === 0 && !query.first.isDistinct
  const translated = isPlain
    ? translatePlain(query, translation, named, parent)
    : translateCombined(query, translation, named, parent)
  return { ...translated, sql: named.prefix + translated.sql }
}

/** One SELECT without DISTINCT: ORDER BY may use whatever its sources hold. */
function translatePlain(
  query: Query,
  translation: Translation,
  named: NamedQueries,
  parent: Scope | undefined,
): TranslatedQuery {
  const select = translateSelect(query.first, translation, named, parent)
  const order = query.orderBy.map((item) => {
    const output = orderedOutput(item, select.columns)
    return sortKey(output ?? translateValue(item.expression, select.scope, translation), item.isDescending)
  })
  const orderSql = order.length === 0 ? '' : ` order by ${order.join(', ')}`
  const sql = select.sql + orderSql + limits(query, query.first.top, translation)
  return { sql, columns: resultColumns(select.columns) }
}

/** DISTINCT, UNION and the like: the rows are made first, and then ordered by what came out. */
function translateCombined(
  query: Query,
  translation: Translation,
  named: NamedQueries,
  parent: Scope | undefined,
): TranslatedQuery {
  const parts = [query.first, ...query.others.map((other) => other.select)]
  const selects = parts.map((part) => translateSelect(part, translation, named, parent))
  const columns = combineColumns(selects, query.at)
  const rendered = selects.map((select, index) => {
    const top = query.others.length === 0 ? undefined : parts[index]?.top
    return `(${select.render(columns)}${limits({ offset: undefined, fetch: undefined }, top, translation)})`
  })
  const operators = query.others.map((other) => other.operator)
  const combined = rendered.reduce((sql, part, index) => `${sql} ${operators[index - 1] ?? ''} ${part}`)
  const alias = translation.nextAlias()
  const outputs = columns.map((column, index) => ({
    name: column.name,
    value: { sql: `${alias}.c${index + 1}`, type: column.value.type },
  }))
  const order = query.orderBy.map((item) => sortKey(combinedOutput(item, outputs, selects[0]), item.isDescending))
  const orderSql = order.length === 0 ? '' : ` order by ${order.join(', ')}`
  const top = query.others.length === 0 ? query.first.top : undefined
  const sql = `select ${alias}.* from (${combined}) ${alias}${orderSql}${limits(query, top, translation)}`
  return { sql, columns: resultColumns(columns) }
}

function combineColumns(selects: readonly TranslatedSelect[], at: Place): OutputColumn[] {
  const [first] = selects
  if (selects.some((select) => select.columns.length !== first?.columns.length)) {
    const message =
      'All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.'
    throw new SqlError(205, message, { line: at.line })
  }
  return (first?.columns ?? []).map((column, index) => {
    const types = selects.flatMap((select) => select.columns[index]?.value.type ?? [])
    return { name: column.name, value: { sql: column.value.sql, type: commonType(types) } }
  })
}

function combinedOutput(item: OrderItem, outputs: OutputColumn[], first: TranslatedSelect | undefined): Typed {
  const output = orderedOutput(item, outputs)
  if (output !== undefined) return output
  const wanted = first?.tryValue(item.expression)
  const index = first?.columns.findIndex((column) => column.value.sql === wanted?.sql) ?? -1
  const found = outputs[index]
  if (wanted !== undefined && found !== undefined) return found.value
  const message = 'ORDER BY items must appear in the select list if SELECT DISTINCT is specified.'
  throw new SqlError(145, message, { severity: 15, line: item.expression.at.line })
}

/** An ORDER BY item that names an output column by its alias or its number. */
function orderedOutput(item: OrderItem, columns: readonly OutputColumn[]): Typed | undefined {
  const { expression } = item
  if (expression.node === 'number') {
    const column = columns[Number(expression.text) - 1]
    if (column !== undefined) return column.value
    const message = `The ORDER BY position number ${expression.text} is out of range of the number of items in the select list.`
    throw new SqlError(108, message, { severity: 15, line: expression.at.line })
  }
  if (expression.node !== 'column' || expression.path.length !== 1) return undefined
  const name = expression.path[0]?.toLowerCase()
  return columns.find((column) => column.name.toLowerCase() === name)?.value
}

function limits(query: Pick<Query, 'offset' | 'fetch'>, top: Expression | undefined, translation: Translation): string {
  const count = (expression: Expression): string =>
    convert(translateValue(expression, new Scope(), translation), BIGINT).sql
  const limit = query.fetch ?? top
  const limitSql = limit === undefined ? '' : ` limit ${count(limit)}`
  return limitSql + (query.offset === undefined ? '' : ` offset ${count(query.offset)}`)
}

const resultColumns = (columns: readonly OutputColumn[]): ResultColumn[] =>
  columns.map((column) => ({ name: column.name, type: resultType(column.value.type) }))

interface TranslatedSelect {
  readonly sql: string
  readonly columns: readonly OutputColumn[]
  readonly scope: Scope
  /** The same SELECT with its columns converted to the types given. */
  render(columns: readonly OutputColumn[]): string
  /** The value of an expression in its scope, or undefined where it has none. */
  tryValue(expression: Expression): Typed | undefined
}

function translateSelect(
  select: Select,
  translation: Translation,
  named: NamedQueries,
  parent: Scope | undefined,
): TranslatedSelect {
  const scope = new Scope(parent)
  const from = select.from === undefined ? '' : ` from ${bindSource(select.from, scope, translation, named, parent)}`
  const joins = select.joins.map((join) => bindJoin(join, scope, translation, named, parent)).join('')
  const columns = select.items.flatMap((item) => outputColumns(item, scope, translation))
  const where = select.where === undefined ? '' : ` where ${translateCondition(select.where, scope, translation)}`
  const groups = select.groupBy.map((item) => translateValue(item, scope, translation).sql)
  const having = select.having === undefined ? '' : ` having ${translateCondition(select.having, scope, translation)}`
  const rest = `${from}${joins}${where}${groups.length === 0 ? '' : ` group by ${groups.join(', ')}`}${having}`
  const render = (wanted: readonly OutputColumn[]): string => {
    const list = columns.map((column, index) => {
      const type = wanted[index]?.value.type ?? column.value.type
      return `${convertIfNeeded(column.value, type).sql} as c${index + 1}`
    })
    return `select ${select.isDistinct ? 'distinct ' : ''}${list.join(', ')}${rest}`
  }
  const tryValue = (expression: Expression): Typed | undefined => {
    try {
      return translateValue(expression, scope, translation)
    } catch (error) {
      if (error instanceof SqlError) return undefined
      throw error
    }
  }
  return { sql: render(columns), columns, scope, render, tryValue }
}

function outputColumns(item: SelectItem, scope: Scope, translation: Translation): OutputColumn[] {
  if (item.item === 'assignment') throw incorrectSyntax(item.variable, item.at.line)
  if (item.item === 'all') return allColumns(item, scope)
  const value = translateValue(item.expression, scope, translation)
  const ownName = item.expression.node === 'column' ? (item.expression.path.at(-1) ?? '') : ''
  return [{ name: item.alias ?? ownName, value }]
}

function allColumns(item: Extract<SelectItem, { item: 'all' }>, scope: Scope): OutputColumn[] {
  const qualifier = item.of.at(-1)
  const source = qualifier === undefined ? undefined : scope.source(qualifier)
  const sources = qualifier === undefined ? scope.sources : source === undefined ? [] : [source]
  if (sources.length === 0) {
    if (qualifier === undefined) {
      throw new SqlError(263, 'Must specify table to select from.', { line: item.at.line })
    }
    throw new SqlError(
      107,
      `The column prefix '${qualifier}' does not match with a table name or alias name used in the query.`,
      {
        severity: 15,
        line: item.at.line,
      },
    )
  }
  return sources.flatMap((each) => each.columns.map((column) => ({ name: column.name, value: column.value })))
}

import { parseExpression } from './parse-expression.ts'
import type { Expression, Join, OrderItem, Query, Select, SelectItem, Source } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** Reads a SELECT with all that belongs to it, up to whatever follows. */
export function parseQuery(reader: TokenReader): Query {
  const at = reader.place
  const named = reader.acceptWords('WITH') ? reader.list(() => parseNamedQuery(reader)) : []
  const first = parseSelect(reader)
  const others: Query['others'][number][] = []
  for (let operator = parseSetOperator(reader); operator !== undefined; operator = parseSetOperator(reader)) {
    others.push({ operator, select: parseSelect(reader) })
  }
  const orderBy = reader.acceptWords('ORDER', 'BY') ? parseOrderItems(reader) : []
  const { offset, fetch } = orderBy.length > 0 ? parseOffset(reader) : { offset: undefined, fetch: undefined }
  parseOptions(reader)
  return { first, others, orderBy, offset, fetch, named, at }
}

function parseNamedQuery(reader: TokenReader): Query['named'][number] {
  const name = reader.expectName()
  const columnNames = parseColumnNames(reader)
  reader.expectWord('AS')
  reader.expectSymbol('(')
  const query = parseQuery(reader)
  reader.expectSymbol(')')
  return { name, columnNames, query }
}

function parseColumnNames(reader: TokenReader): string[] {
  if (!reader.acceptSymbol('(')) return []
  const names = reader.list(() => reader.expectName())
  reader.expectSymbol(')')
  return names
}

function parseSetOperator(reader: TokenReader): Query['others'][number]['operator'] | undefined {
  if (reader.acceptWords('UNION')) return reader.acceptWords('ALL') ? 'union all' : 'union'
  if (reader.acceptWords('EXCEPT')) return 'except'
  return reader.acceptWords('INTERSECT') ? 'intersect' : undefined
}

function parseSelect(reader: TokenReader): Select {
  reader.expectWord('SELECT')
  const isDistinct = reader.acceptWords('DISTINCT')
  if (!isDistinct) reader.acceptWords('ALL')
  const top = reader.acceptWords('TOP') ? parseTop(reader) : undefined
  const items = reader.list(() => parseSelectItem(reader))
  const from = reader.acceptWords('FROM') ? parseSource(reader) : undefined
  const joins = from === undefined ? [] : parseJoins(reader)
  const where = reader.acceptWords('WHERE') ? parseExpression(reader) : undefined
  const groupBy = reader.acceptWords('GROUP', 'BY') ? reader.list(() => parseExpression(reader)) : []
  const having = reader.acceptWords('HAVING') ? parseExpression(reader) : undefined
  return { isDistinct, top, items, from, joins, where, groupBy, having }
}

/** Without parentheses only a number may follow. Percentages and ties are not understood. */
function parseTop(reader: TokenReader): Expression {
  const at = reader.place
  if (reader.current.kind === 'number') return { node: 'number', text: reader.next().text, at }
  reader.expectSymbol('(')
  const count = parseExpression(reader)
  reader.expectSymbol(')')
  if (reader.isWord('PERCENT', 'WITH')) throw reader.unexpected()
  return count
}

function parseSelectItem(reader: TokenReader): SelectItem {
  const at = reader.place
  if (reader.acceptSymbol('*')) return { item: 'all', of: [], at }
  const isAssigned = reader.ahead(1).kind === 'symbol' && reader.ahead(1).text === '='
  if (reader.current.kind === 'variable' && isAssigned) {
    const variable = reader.next().text
    reader.next()
    return { item: 'assignment', variable, expression: parseExpression(reader), at }
  }
  if (reader.isName && isAssigned) {
    const alias = reader.next().text
    reader.next()
    return { item: 'value', expression: parseExpression(reader), alias }
  }
  const expression = parseExpression(reader)
  if (expression.node === 'column' && reader.isSymbol('.') && reader.ahead(1).text === '*') {
    reader.next()
    reader.next()
    return { item: 'all', of: expression.path, at }
  }
  return { item: 'value', expression, alias: parseAlias(reader) }
}

/** Column aliases may be written as strings, too. */
function parseAlias(reader: TokenReader): string | undefined {
  const isMarked = reader.acceptWords('AS')
  if (reader.isName || reader.current.kind === 'string') return reader.next().text
  if (isMarked) throw reader.unexpected()
  return undefined
}

function parseSource(reader: TokenReader): Source {
  const at = reader.place
  if (reader.acceptSymbol('(')) {
    const query = parseQuery(reader)
    reader.expectSymbol(')')
    reader.acceptWords('AS')
    return { source: 'query', query, alias: reader.expectName(), columnNames: parseColumnNames(reader), at }
  }
  const path = reader.expectPath()
  const isMarked = reader.acceptWords('AS')
  const alias = isMarked || reader.isName ? reader.expectName() : undefined
  parseHints(reader)
  return { source: 'table', path, alias, at }
}

const HINTS = new Set([
  'NOLOCK',
  'READUNCOMMITTED',
  'READCOMMITTED',
  'READPAST',
  'ROWLOCK',
  'PAGLOCK',
  'TABLOCK',
  'NOWAIT',
  'FORCESEEK',
  'SNAPSHOT',
])

/** Hints choose how SQL Server locks and searches; here they change nothing. */
function parseHints(reader: TokenReader): void {
  const isMarked = reader.isWord('WITH') && reader.ahead(1).text === '('
  const isBare = reader.isSymbol('(') && HINTS.has(reader.ahead(1).key)
  if (!isMarked && !isBare) return
  if (isMarked) reader.next()
  reader.expectSymbol('(')
  reader.list(() => {
    if (!HINTS.has(reader.current.key)) throw reader.unexpected()
    return reader.next()
  })
  reader.expectSymbol(')')
}

function parseJoins(reader: TokenReader): Join[] {
  const joins: Join[] = []
  for (;;) {
    if (reader.acceptSymbol(',')) {
      joins.push({ kind: 'cross', source: parseSource(reader), on: undefined })
      continue
    }
    const kind = parseJoinKind(reader)
    if (kind === undefined) return joins
    const source = parseSource(reader)
    if (kind !== 'cross') reader.expectWord('ON')
    joins.push({ kind, source, on: kind === 'cross' ? undefined : parseExpression(reader) })
  }
}

function parseJoinKind(reader: TokenReader): Join['kind'] | undefined {
  if (reader.acceptWords('CROSS', 'JOIN')) return 'cross'
  if (reader.acceptWords('INNER', 'JOIN') || reader.acceptWords('JOIN')) return 'inner'
  for (const kind of ['left', 'right', 'full'] as const) {
    const word = kind.toUpperCase()
    if (reader.acceptWords(word, 'OUTER', 'JOIN') || reader.acceptWords(word, 'JOIN')) return kind
  }
  return undefined
}

export function parseOrderItems(reader: TokenReader): OrderItem[] {
  return reader.list(() => {
    const expression = parseExpression(reader)
    const isDescending = reader.acceptWords('DESC')
    if (!isDescending) reader.acceptWords('ASC')
    return { expression, isDescending }
  })
}

function parseOffset(reader: TokenReader): Pick<Query, 'offset' | 'fetch'> {
  if (!reader.acceptWords('OFFSET')) return { offset: undefined, fetch: undefined }
  const offset = parseExpression(reader)
  expectRows(reader)
  if (!reader.acceptWords('FETCH')) return { offset, fetch: undefined }
  if (!reader.acceptWords('NEXT')) reader.expectWord('FIRST')
  const fetch = parseExpression(reader)
  expectRows(reader)
  reader.expectWord('ONLY')
  return { offset, fetch }
}

function expectRows(reader: TokenReader): void {
  if (!reader.acceptWords('ROWS')) reader.expectWord('ROW')
}

/** Query hints steer SQL Server's planner; here they change nothing. */
function parseOptions(reader: TokenReader): void {
  if (!reader.acceptWords('OPTION')) return
  reader.expectSymbol('(')
  while (!reader.isSymbol(')')) {
    if (reader.isAtEnd) throw reader.unexpected()
    reader.next()
  }
  reader.expectSymbol(')')
}

import { unknownType } from '../sql-error.ts'
import { type SqlType, typeFromName } from '../sql-type.ts'
import type { TokenReader } from './token-reader.ts'

/** Reads `decimal(18, 2)`, `nvarchar(max)` and the like. @param defaultLength of character types without a length */
export function parseType(reader: TokenReader, defaultLength: number): SqlType {
  const { line } = reader.current
  const name = parseTypeName(reader)
  const sizes = reader.acceptSymbol('(') ? parseSizes(reader) : []
  const type = typeFromName(name, sizes, defaultLength)
  if (type === undefined) throw unknownType(name, line)
  return type
}

function parseTypeName(reader: TokenReader): string {
  if (reader.acceptWords('NATIONAL')) return `n${reader.expectName()}`
  if (reader.acceptWords('DOUBLE')) {
    reader.expectWord('PRECISION')
    return 'float'
  }
  const path = reader.expectPath()
  return path.at(-1) ?? ''
}

function parseSizes(reader: TokenReader): (number | 'max')[] {
  const sizes = reader.list(() => {
    if (reader.acceptWords('MAX')) return 'max' as const
    if (reader.current.kind !== 'number') throw reader.unexpected()
    return Number(reader.next().text)
  })
  reader.expectSymbol(')')
  return sizes
}

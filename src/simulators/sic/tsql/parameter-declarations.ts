import type { SqlType } from '../sql-type.ts'
import { parseType } from './parse-type.ts'
import { TokenReader } from './token-reader.ts'

export interface ParameterDeclaration {
  /** With its `@`. */
  readonly name: string
  readonly type: SqlType
  readonly isOutput: boolean
}

/** Reads the declarations that come with sp_executesql and its like: `@meter nvarchar(50), @count int OUTPUT`. */
export function parseParameterDeclarations(text: string): ParameterDeclaration[] {
  const reader = new TokenReader(text)
  if (reader.isAtEnd) return []
  const declarations = reader.list(() => {
    if (reader.current.kind !== 'variable') throw reader.unexpected()
    const name = reader.next().text
    reader.acceptWords('AS')
    const type = parseType(reader, 1)
    const isOutput = reader.acceptWords('OUTPUT') || reader.acceptWords('OUT')
    return { name, type, isOutput }
  })
  if (!reader.isAtEnd) throw reader.unexpected()
  return declarations
}

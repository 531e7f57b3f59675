import { SqlError } from '../sql-error.ts'
import type { SqlType, SqlValue } from '../sql-type.ts'
import { parseParameterDeclarations } from '../tsql/parameter-declarations.ts'
import type { RpcParameter } from './requests.ts'

export interface BoundParameter {
  readonly name: string
  readonly type: SqlType
  readonly value: SqlValue
  readonly isByReference: boolean
}

/** Values find their declarations by name or, where they have none, by place. */
export function bindParameters(declarations: string, values: readonly RpcParameter[]): BoundParameter[] {
  const declared = parseParameterDeclarations(declarations)
  const bound = declared.map(({ name, type, isOutput }, index): BoundParameter => {
    const byName = values.find((value) => value.name.toLowerCase() === name.toLowerCase())
    const given = byName ?? (values[index]?.name === '' ? values[index] : undefined)
    if (given === undefined) {
      throw new SqlError(8178, `The parameterized query expects the parameter '${name}', which was not supplied.`)
    }
    return { name, type, value: given.value, isByReference: given.isByReference && isOutput }
  })
  const surplus = values.find(
    (value) => value.name !== '' && !declared.some(({ name }) => name.toLowerCase() === value.name.toLowerCase()),
  )
  if (surplus !== undefined) throw new SqlError(8145, `${surplus.name} is not a parameter for this statement.`)
  return bound
}

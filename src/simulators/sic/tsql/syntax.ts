import type { SqlType } from '../sql-type.ts'

/** The tree of a T-SQL batch, as far as the simulator understands the language. */

/** Where something was written, for messages. */
export interface Place {
  readonly near: string
  readonly line: number
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>='

/** T-SQL has no boolean values: `condition` nodes stand only where a condition is asked for. */
export type Expression = { readonly at: Place } & (
  | { readonly node: 'number'; readonly text: string }
  | { readonly node: 'string'; readonly text: string; readonly isUnicode: boolean }
  | { readonly node: 'binary'; readonly text: string }
  | { readonly node: 'null' }
  | { readonly node: 'column'; readonly path: readonly string[] }
  | { readonly node: 'variable'; readonly name: string }
  | { readonly node: 'negative'; readonly operand: Expression }
  | {
      readonly node: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: Expression
      readonly right: Expression
    }
  | FunctionCall
  | { readonly node: 'cast'; readonly operand: Expression; readonly type: SqlType; readonly style: number | undefined }
  | CaseExpression
  | { readonly node: 'subquery'; readonly query: Query }
  | { readonly node: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly node: 'not'; readonly operand: Expression }
  | {
      readonly node: 'comparison'
      readonly operator: ComparisonOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly node: 'isNull'; readonly operand: Expression; readonly isNegated: boolean }
  | { readonly node: 'exists'; readonly query: Query }
  | {
      readonly node: 'in'
      readonly operand: Expression
      readonly choices: readonly Expression[] | Query
      readonly isNegated: boolean
    }
  | {
      readonly node: 'between'
      readonly operand: Expression
      readonly low: Expression
      readonly high: Expression
      readonly isNegated: boolean
    }
  | {
      readonly node: 'like'
      readonly operand: Expression
      readonly pattern: Expression
      readonly escape: Expression | undefined
      readonly isNegated: boolean
    }
)

export interface FunctionCall {
  readonly node: 'call'
  readonly at: Place
  /** In capitals. */
  readonly name: string
  readonly parameters: readonly Expression[]
  readonly isDistinct: boolean
  /** `COUNT(*)` */
  readonly isStar: boolean
  readonly over: { readonly partitionBy: readonly Expression[]; readonly orderBy: readonly OrderItem[] } | undefined
}

export interface CaseExpression {
  readonly node: 'case'
  readonly at: Place
  readonly operand: Expression | undefined
  readonly branches: readonly { readonly when: Expression; readonly result: Expression }[]
  readonly otherwise: Expression | undefined
}

export interface OrderItem {
  readonly expression: Expression
  readonly isDescending: boolean
}

export type SelectItem =
  | { readonly item: 'all'; readonly of: readonly string[]; readonly at: Place }
  | { readonly item: 'value'; readonly expression: Expression; readonly alias: string | undefined }
  | { readonly item: 'assignment'; readonly variable: string; readonly expression: Expression; readonly at: Place }

export type Source =
  | {
      readonly source: 'table'
      readonly path: readonly string[]
      readonly alias: string | undefined
      readonly at: Place
    }
  | {
      readonly source: 'query'
      readonly query: Query
      readonly alias: string
      readonly columnNames: readonly string[]
      readonly at: Place
    }

export interface Join {
  readonly kind: 'inner' | 'left' | 'right' | 'full' | 'cross'
  readonly source: Source
  readonly on: Expression | undefined
}

export interface Select {
  readonly isDistinct: boolean
  readonly top: Expression | undefined
  readonly items: readonly SelectItem[]
  readonly from: Source | undefined
  readonly joins: readonly Join[]
  readonly where: Expression | undefined
  readonly groupBy: readonly Expression[]
  readonly having: Expression | undefined
}

export interface Query {
  readonly first: Select
  readonly others: readonly {
    readonly operator: 'union' | 'union all' | 'except' | 'intersect'
    readonly select: Select
  }[]
  readonly orderBy: readonly OrderItem[]
  readonly offset: Expression | undefined
  readonly fetch: Expression | undefined
  /** Queries named before the SELECT (WITH … AS). */
  readonly named: readonly { readonly name: string; readonly columnNames: readonly string[]; readonly query: Query }[]
  readonly at: Place
}

export type Statement = { readonly line: number } & (
  | { readonly statement: 'query'; readonly query: Query }
  | {
      readonly statement: 'insert'
      readonly path: readonly string[]
      readonly columns: readonly string[]
      readonly rows: readonly (readonly Expression[])[]
      readonly at: Place
    }
  | {
      readonly statement: 'declare'
      readonly variables: readonly { readonly name: string; readonly type: SqlType; readonly value?: Expression }[]
    }
  | { readonly statement: 'assign'; readonly variable: string; readonly value: Expression; readonly at: Place }
  | { readonly statement: 'setOption'; readonly text: string }
  | { readonly statement: 'use'; readonly database: string }
  | { readonly statement: 'print'; readonly value: Expression }
  | { readonly statement: 'transaction'; readonly request: 'begin' | 'commit' | 'rollback' }
)

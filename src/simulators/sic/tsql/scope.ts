import { ambiguousColumn, unboundColumn, unknownColumn, undeclaredVariable } from '../sql-error.ts'
import { INT, type SqlType, type SqlValue } from '../sql-type.ts'
import type { Catalog } from './catalog.ts'
import type { Place } from './syntax.ts'
import { postgresType, quoteText, type Typed } from './typed.ts'

export interface Variable {
  readonly type: SqlType
  readonly value: SqlValue
}

/** By name with the @, in small letters: T-SQL compares names without case. */
export type Variables = ReadonlyMap<string, Variable>

/** What a whole statement is translated with. Variables become PostgreSQL parameters in the order of their first use. */
export class Translation {
  readonly catalog: Catalog
  readonly database: string
  readonly #variables: Variables
  readonly #session: ReadonlyMap<string, string>
  readonly #numbers = new Map<string, number>()
  readonly parameters: SqlValue[] = []
  #aliases = 0

  constructor(options: {
    catalog: Catalog
    database: string
    variables: Variables
    /** Texts of @@VERSION and its like. */
    session: ReadonlyMap<string, string>
  }) {
    this.catalog = options.catalog
    this.database = options.database
    this.#variables = options.variables
    this.#session = options.session
  }

  nextAlias(): string {
    this.#aliases += 1
    return `s${this.#aliases}`
  }

  sessionText(name: string): string | undefined {
    return this.#session.get(name.toLowerCase())
  }

  variable(name: string, at: Place): Variable {
    const variable = this.#variables.get(name.toLowerCase())
    if (variable === undefined) throw undeclaredVariable(name, at.line)
    return variable
  }

  /** The variable as a parameter of its declared type. */
  bind(name: string, at: Place): Typed {
    const key = name.toLowerCase()
    const { type, value } = this.variable(name, at)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.parameters.push(value)
      this.#numbers.set(key, number)
    }
    return { sql: `$${number}::${postgresType(type)}`, type }
  }

  globalVariable(name: string, at: Place): Typed {
    const text = this.sessionText(name)
    if (text === undefined) throw undeclaredVariable(name, at.line)
    if (/^\d+$/.test(text)) return { sql: text, type: INT }
    return { sql: quoteText(text), type: { kind: 'text', unicode: true, fixed: false, length: 300 } }
  }
}

export interface BoundColumn {
  readonly name: string
  readonly value: Typed
}

export interface BoundSource {
  /** The alias, or the table's own name. */
  readonly name: string
  readonly columns: readonly BoundColumn[]
}

/** The sources that a name can mean, those of the queries around it included. */
export class Scope {
  readonly sources: BoundSource[] = []
  readonly #parent: Scope | undefined

  constructor(parent?: Scope) {
    this.#parent = parent
  }

  /** Throws SqlError 207, 209 or 4104. */
  column(path: readonly string[], at: Place): Typed {
    const name = path.at(-1) ?? ''
    const qualifier = path.length > 1 ? path.at(-2) : undefined
    const found = this.#find(name, qualifier)
    if (found.length > 1) throw ambiguousColumn(name, at.line)
    const [only] = found
    if (only !== undefined) return only.value
    if (this.#parent !== undefined) return this.#parent.column(path, at)
    if (qualifier !== undefined && this.source(qualifier) === undefined) throw unboundColumn(path.join('.'), at.line)
    throw unknownColumn(name, at.line)
  }

  #find(name: string, qualifier: string | undefined): BoundColumn[] {
    const sources = qualifier === undefined ? this.sources : [this.source(qualifier)]
    return sources.flatMap((source) => source?.columns.filter((column) => isSame(column.name, name)) ?? [])
  }

  source(name: string): BoundSource | undefined {
    return this.sources.find((source) => isSame(source.name, name))
  }
}

const isSame = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase()

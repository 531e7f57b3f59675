import { SqlError, unknownFunction } from '../sql-error.ts'
import { DATE, FLOAT, INT, nvarchar, type SqlType } from '../sql-type.ts'
import { convert, convertIfNeeded } from './conversions.ts'
import { dayOf, endOfMonth, monthOf, now, preciseNow, yearOf } from './date-functions.ts'
import type { Translation } from './scope.ts'
import type { FunctionCall } from './syntax.ts'
import { commonType, comparisonForm, isText, quoteText, textOf, type Typed } from './typed.ts'

interface ScalarFunction {
  readonly fewest: number
  readonly most: number
  readonly translate: (parameters: readonly Typed[], translation: Translation) => Typed
}

/** The parameter at `index`, there because the count was checked. */
function at(parameters: readonly Typed[], index: number): Typed {
  const parameter = parameters[index]
  if (parameter === undefined) throw new TypeError(`a function without its parameter ${index}`)
  return parameter
}

const asText = (value: Typed): Typed => (isText(value.type) ? value : convert(value, nvarchar(4000)))
const asInt = (value: Typed): string => convertIfNeeded(value, INT).sql
const lengthOf = (type: SqlType): number | 'max' => (isText(type) ? type.length : 4000)
const isUnicode = (type: SqlType): boolean => !isText(type) || type.unicode

/** A function from one text to a text of the same type. */
function textToText(sql: (text: string) => string): ScalarFunction {
  return {
    fewest: 1,
    most: 1,
    translate: (parameters) => {
      const text = asText(at(parameters, 0))
      return { sql: sql(text.sql), type: textOf(isUnicode(text.type), lengthOf(text.type)) }
    },
  }
}

function constant(value: Typed): ScalarFunction {
  return { fewest: 0, most: 0, translate: () => value }
}

/** The first characters (`left`) or the last ones; a count below zero is an error in SQL Server and nothing here. */
function endOfText(end: 'left' | 'right'): ScalarFunction {
  return {
    fewest: 2,
    most: 2,
    translate: (parameters) => {
      const text = asText(at(parameters, 0))
      return {
        sql: `${end}(${text.sql}, greatest(0, ${asInt(at(parameters, 1))}))`,
        type: textOf(isUnicode(text.type), lengthOf(text.type)),
      }
    },
  }
}

function sessionText(name: string): ScalarFunction {
  return {
    fewest: 0,
    most: 1,
    translate: (_, translation) => ({ sql: quoteText(translation.sessionText(name) ?? ''), type: nvarchar(128) }),
  }
}

/** Rounds to whole numbers (`floor`, `ceiling`) and keeps the kind of number. */
function wholeNumber(sql: string): ScalarFunction {
  return {
    fewest: 1,
    most: 1,
    translate: (parameters) => {
      const value = at(parameters, 0)
      const { type } = value
      const result: SqlType = type.kind === 'decimal' ? { ...type, scale: 0 } : isText(type) ? FLOAT : type
      return { sql: `${sql}(${isText(type) ? convert(value, FLOAT).sql : value.sql})`, type: result }
    },
  }
}

const substring: ScalarFunction = {
  fewest: 3,
  most: 3,
  translate: (parameters) => {
    const text = asText(at(parameters, 0))
    const [start, length] = [asInt(at(parameters, 1)), asInt(at(parameters, 2))]
    return {
      sql: `substring(${text.sql} from ${start} for ${length})`,
      type: textOf(isUnicode(text.type), lengthOf(text.type)),
    }
  },
}

const round: ScalarFunction = {
  fewest: 2,
  most: 3,
  translate: (parameters) => {
    const value = at(parameters, 0)
    const isCut = parameters.length === 3
    const digits = asInt(at(parameters, 1))
    const exact = `(${value.sql})::numeric`
    const rounded = isCut
      ? `(case when ${asInt(at(parameters, 2))} = 0 then round(${exact}, ${digits}) else trunc(${exact}, ${digits}) end)`
      : `round(${exact}, ${digits})`
    const type = isText(value.type) ? FLOAT : value.type
    return convert({ sql: rounded, type: { kind: 'decimal', precision: 38, scale: 10 } }, type)
  },
}

const replace: ScalarFunction = {
  fewest: 3,
  most: 3,
  translate: (parameters) => {
    const [text, from, to] = [0, 1, 2].map((index) => asText(at(parameters, index)).sql)
    const type = at(parameters, 0).type
    // The search ignores case, and its pattern is plain text: everything but letters and digits is escaped.
    const pattern = `regexp_replace(${from}, '([^[:alnum:]])', '\\\\\\1', 'g')`
    const replacement = `replace(${to}, '\\', '\\\\')`
    return {
      sql: `(case when ${from} = '' then ${text} else regexp_replace(${text}, ${pattern}, ${replacement}, 'gi') end)`,
      type: textOf(isUnicode(type), lengthOf(type) === 'max' ? 'max' : isUnicode(type) ? 4000 : 8000),
    }
  },
}

const concat: ScalarFunction = {
  fewest: 2,
  most: 254,
  translate: (parameters) => ({
    sql: `concat(${parameters.map((parameter) => asText(parameter).sql).join(', ')})`,
    type: textOf(
      parameters.some(({ type }) => isText(type) && type.unicode),
      'max',
    ),
  }),
}

const choose: ScalarFunction = {
  fewest: 2,
  most: 254,
  translate: (parameters) => {
    const type = commonType(parameters.map((parameter) => parameter.type))
    return {
      sql: `coalesce(${parameters.map((value) => convertIfNeeded(value, type).sql).join(', ')})`,
      type,
    }
  },
}

const SCALAR_FUNCTIONS = new Map<string, ScalarFunction>([
  ['LTRIM', textToText((text) => `ltrim(${text})`)],
  ['RTRIM', textToText((text) => `rtrim(${text})`)],
  ['TRIM', textToText((text) => `trim(${text})`)],
  ['UPPER', textToText((text) => `upper(${text})`)],
  ['LOWER', textToText((text) => `lower(${text})`)],
  ['REVERSE', textToText((text) => `reverse(${text})`)],
  ['LEFT', endOfText('left')],
  ['RIGHT', endOfText('right')],
  ['SUBSTRING', substring],
  ['REPLACE', replace],
  ['CONCAT', concat],
  ['COALESCE', choose],
  ['ROUND', round],
  ['FLOOR', wholeNumber('floor')],
  ['CEILING', wholeNumber('ceil')],
  ['GETDATE', constant(now)],
  ['GETUTCDATE', constant(now)],
  ['CURRENT_TIMESTAMP', constant(now)],
  ['SYSDATETIME', constant(preciseNow)],
  ['SYSUTCDATETIME', constant(preciseNow)],
  ['NEWID', constant({ sql: 'gen_random_uuid()', type: { kind: 'uniqueidentifier' } })],
  ['DB_NAME', sessionText('db_name')],
  ['SUSER_SNAME', sessionText('suser_sname')],
  ['SYSTEM_USER', sessionText('suser_sname')],
  ['SUSER_NAME', sessionText('suser_sname')],
  ['APP_NAME', sessionText('app_name')],
  ['LEN', { fewest: 1, most: 1, translate: textLength }],
  ['YEAR', { fewest: 1, most: 1, translate: (parameters) => yearOf(at(parameters, 0)) }],
  ['MONTH', { fewest: 1, most: 1, translate: (parameters) => monthOf(at(parameters, 0)) }],
  ['DAY', { fewest: 1, most: 1, translate: (parameters) => dayOf(at(parameters, 0)) }],
  ['EOMONTH', { fewest: 1, most: 2, translate: (parameters) => endOfMonth(at(parameters, 0), parameters[1]) }],
  ['DATEFROMPARTS', { fewest: 3, most: 3, translate: dateFromParts }],
  ['ABS', { fewest: 1, most: 1, translate: (parameters) => absolute(at(parameters, 0)) }],
  ['CHARINDEX', { fewest: 2, most: 2, translate: charIndex }],
  ['ISNULL', { fewest: 2, most: 2, translate: isNullFunction }],
  ['NULLIF', { fewest: 2, most: 2, translate: nullIf }],
])

/** Trailing blanks do not count. */
function textLength(parameters: readonly Typed[]): Typed {
  return { sql: `length(rtrim(${asText(at(parameters, 0)).sql}))`, type: INT }
}

function dateFromParts(parameters: readonly Typed[]): Typed {
  return { sql: `make_date(${parameters.map(asInt).join(', ')})`, type: DATE }
}

function absolute(value: Typed): Typed {
  return isText(value.type)
    ? { sql: `abs(${convert(value, FLOAT).sql})`, type: FLOAT }
    : { sql: `abs(${value.sql})`, type: value.type }
}

function charIndex(parameters: readonly Typed[]): Typed {
  const [searched, text] = [asText(at(parameters, 0)).sql, asText(at(parameters, 1)).sql]
  return { sql: `strpos(lower(${text}), lower(${searched}))`, type: INT }
}

/** Unlike COALESCE it has the type of its first parameter. */
function isNullFunction(parameters: readonly Typed[]): Typed {
  const [value, replacement] = [at(parameters, 0), at(parameters, 1)]
  const type = value.type.kind === 'null' ? replacement.type : value.type
  return { sql: `coalesce(${convertIfNeeded(value, type).sql}, ${convertIfNeeded(replacement, type).sql})`, type }
}

function nullIf(parameters: readonly Typed[]): Typed {
  const [value, other] = [at(parameters, 0), at(parameters, 1)]
  if (isText(value.type) && isText(other.type)) {
    const isSame = `${comparisonForm(value.sql)} = ${comparisonForm(other.sql)}`
    return { sql: `(case when ${isSame} then null else ${value.sql} end)`, type: value.type }
  }
  return { sql: `nullif(${value.sql}, ${convertIfNeeded(other, value.type).sql})`, type: value.type }
}

export function scalar(call: FunctionCall, parameters: readonly Typed[], translation: Translation): Typed {
  const definition = SCALAR_FUNCTIONS.get(call.name)
  if (definition === undefined || call.isStar || call.over !== undefined) {
    throw unknownFunction(call.name, call.at.line)
  }
  if (parameters.length < definition.fewest || parameters.length > definition.most) {
    const message = `The ${call.name.toLowerCase()} function requires ${definition.fewest} argument(s).`
    throw new SqlError(174, message, { severity: 15, line: call.at.line })
  }
  return definition.translate(parameters, translation)
}

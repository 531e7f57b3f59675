import { incorrectSyntax, SqlError } from '../sql-error.ts'
import { DATE, DATETIME, INT, nvarchar } from '../sql-type.ts'
import { convert, toThreeHundredths } from './conversions.ts'
import type { Expression } from './syntax.ts'
import { isText, postgresType, type Typed } from './typed.ts'

type Translate = (expression: Expression) => Typed

const PARTS = new Map<string, string>(
  Object.entries({
    year: 'year yy yyyy',
    quarter: 'quarter qq q',
    month: 'month mm m',
    dayofyear: 'dayofyear dy y',
    day: 'day dd d',
    week: 'week wk ww',
    weekday: 'weekday dw w',
    hour: 'hour hh',
    minute: 'minute mi n',
    second: 'second ss s',
    millisecond: 'millisecond ms',
    microsecond: 'microsecond mcs',
  }).flatMap(([part, names]) => names.split(' ').map((name) => [name, part])),
)

function partOf(functionName: string, expression: Expression | undefined): string {
  if (expression?.node !== 'column' || expression.path.length !== 1) {
    throw incorrectSyntax(expression?.at.near ?? functionName, expression?.at.line ?? 1)
  }
  const [name = ''] = expression.path
  const part = PARTS.get(name.toLowerCase())
  if (part !== undefined) return part
  throw new SqlError(155, `'${name}' is not a recognized ${functionName.toLowerCase()} option.`, {
    severity: 15,
    line: expression.at.line,
  })
}

/** A text stands for a moment wherever one is asked for. */
const asMoment = (value: Typed): Typed => (isText(value.type) ? convert(value, DATETIME) : value)

/** Functions whose first parameter names a part of a date. */
export const datePartFunctions = new Map<string, (parameters: readonly Expression[], translate: Translate) => Typed>([
  ['DATEADD', dateAdd],
  ['DATEDIFF', dateDifference],
  [
    'DATEPART',
    (parameters, translate) => datePart(partOf('datepart', parameters[0]), operand(parameters[1], translate)),
  ],
  ['DATENAME', dateName],
])

function operand(expression: Expression | undefined, translate: Translate): Typed {
  if (expression === undefined) throw incorrectSyntax(')', 1)
  return asMoment(translate(expression))
}

const ADD_UNITS = new Map([
  ['quarter', "interval '3 months'"],
  ['dayofyear', "interval '1 day'"],
  ['weekday', "interval '1 day'"],
])

function dateAdd(parameters: readonly Expression[], translate: Translate): Typed {
  const part = partOf('dateadd', parameters[0])
  if (parameters[1] === undefined) throw incorrectSyntax(')', 1)
  const count = convert(translate(parameters[1]), INT)
  const moment = operand(parameters[2], translate)
  const unit = ADD_UNITS.get(part) ?? `interval '1 ${part}'`
  return { sql: `(${moment.sql} + ${count.sql} * ${unit})::${postgresType(moment.type)}`, type: moment.type }
}

/** Counts the boundaries crossed between the two, whatever lies beside them. */
function dateDifference(parameters: readonly Expression[], translate: Translate): Typed {
  const part = partOf('datediff', parameters[0])
  const [from, to] = [operand(parameters[1], translate), operand(parameters[2], translate)]
  return { sql: `(${boundaryNumber(part, to.sql)} - ${boundaryNumber(part, from.sql)})::integer`, type: INT }
}

const SECONDS = new Map([
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
  ['millisecond', 0.001],
  ['microsecond', 0.000001],
])

/** How many boundaries of the part lie before the moment, from some fixed start. */
function boundaryNumber(part: string, moment: string): string {
  const year = `extract(year from ${moment})`
  if (part === 'year') return year
  if (part === 'quarter') return `(${year} * 4 + extract(quarter from ${moment}))`
  if (part === 'month') return `(${year} * 12 + extract(month from ${moment}))`
  // 1899-12-31 was a Sunday, on which weeks begin whatever DATEFIRST says.
  if (part === 'week') return `floor((${moment}::date - date '1899-12-31') / 7.0)`
  const seconds = SECONDS.get(part)
  if (seconds === undefined) return `(${moment}::date - date '1900-01-01')`
  return `floor(extract(epoch from ${moment}::timestamp) / ${seconds})`
}

function datePart(part: string, moment: Typed): Typed {
  const { sql } = moment
  const fields = new Map([
    ['dayofyear', `extract(doy from ${sql})`],
    // With English settings the week begins on Sunday, as number one.
    ['weekday', `extract(dow from ${sql}) + 1`],
    ['week', `floor((extract(doy from ${sql}) + extract(dow from date_trunc('year', ${sql}::timestamp)) - 1) / 7) + 1`],
    ['second', `floor(extract(second from ${sql}))`],
    ['millisecond', `mod(floor(extract(millisecond from ${sql})), 1000)`],
    ['microsecond', `mod(extract(microsecond from ${sql}), 1000000)`],
  ])
  return { sql: `(${fields.get(part) ?? `extract(${part} from ${sql})`})::integer`, type: INT }
}

function dateName(parameters: readonly Expression[], translate: Translate): Typed {
  const part = partOf('datename', parameters[0])
  const moment = operand(parameters[1], translate)
  const type = nvarchar(30)
  if (part === 'month') return { sql: `to_char(${moment.sql}, 'FMMonth')`, type }
  if (part === 'weekday') return { sql: `to_char(${moment.sql}, 'FMDay')`, type }
  return { sql: `${datePart(part, moment).sql}::text`, type }
}

const nowAs = (type: string): string => `(clock_timestamp() at time zone 'utc')::${type}`

/** The source's clock is Dakar's, which is UTC the whole year. */
export const now: Typed = { sql: toThreeHundredths(nowAs('timestamp')), type: DATETIME }
export const preciseNow: Typed = { sql: nowAs('timestamp(6)'), type: { kind: 'datetime2', scale: 7 } }

export const yearOf = (value: Typed): Typed => datePart('year', asMoment(value))
export const monthOf = (value: Typed): Typed => datePart('month', asMoment(value))
export const dayOf = (value: Typed): Typed => datePart('day', asMoment(value))

export function endOfMonth(value: Typed, months?: Typed): Typed {
  const moved = months === undefined ? '' : ` + ${months.sql} * interval '1 month'`
  const start = `date_trunc('month', ${asMoment(value).sql}::timestamp)${moved}`
  return { sql: `(${start} + interval '1 month - 1 day')::date`, type: DATE }
}

import { ERROR_NAMES } from './google-errors.ts'
import { isObject } from './proto-json.ts'
import { type Action, FAULTS, type Match, type RuleShape } from './rules.ts'

/** A control request that makes no sense; the text says what would. */
export class BadControlRequest extends Error {
  override readonly name = 'BadControlRequest'
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && value !== ''
const isCount: Check = (value) => Number.isInteger(value) && Number(value) >= 1
const isTrue: Check = (value) => value === true
const isDelay: Check = (value) => typeof value === 'number' && value >= 0 && value <= 3_600_000
const isAnswer: Check = (value) => {
  if (!isObject(value)) return false
  const { status, headers = {}, body = '', ...others } = value
  const isStatus = Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599
  const hasTexts = isObject(headers) && Object.values(headers).every((header) => typeof header === 'string')
  return isStatus && hasTexts && typeof body === 'string' && Object.keys(others).length === 0
}

const MATCH_FIELDS: Readonly<Record<keyof Match, readonly [Check, string]>> = {
  on: [(value) => value === 'send' || value === 'token', 'must be "send" or "token"'],
  target: [isText, 'must be a text'],
  prefix: [isText, 'must be a text'],
  share: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'must be a number from 0 to 1'],
}

const ACTION_FIELDS: Readonly<Record<keyof Action, readonly [Check, string]>> = {
  error: [(value) => ERROR_NAMES.some((name) => name === value), `must be one of ${ERROR_NAMES.join(', ')}`],
  retry_after_s: [(value) => Number.isInteger(value) && Number(value) >= 0, 'must be whole seconds, 0 or more'],
  delay_ms: [isDelay, 'must be milliseconds from 0 to 3600000'],
  reset: [isTrue, 'must be true or absent'],
  refuse: [isTrue, 'must be true or absent'],
  hang: [isTrue, 'must be true or absent'],
  goaway: [isTrue, 'must be true or absent'],
  half_answer: [isTrue, 'must be true or absent'],
  answer: [isAnswer, 'must have a status from 200 to 599 and may have headers and a body, all of them texts'],
}

/** Reads `{match?, action, count?}` as an operator wrote it. */
export function readRule(value: unknown): RuleShape {
  const rule = fieldsOf(value, 'the rule', ['match', 'action', 'count'])
  const match = checked(rule['match'] ?? {}, 'match', MATCH_FIELDS)
  const action = checked(rule['action'], 'action', ACTION_FIELDS)
  const faults = FAULTS.filter((fault) => action[fault] !== undefined)
  if (faults.length > 1) throw new BadControlRequest(`action can do one of ${faults.join(', ')}, not several`)
  if (Object.keys(action).length === 0) throw new BadControlRequest('action is empty: say what is to happen')
  const { count } = rule
  if (count === undefined) return { match, action }
  if (!isCount(count)) throw new BadControlRequest('count must be a whole number, at least 1')
  return { match, action, count: Number(count) }
}

/** A whole number in a query; absent is undefined. */
export function readWhole(name: string, text: string | null, least: number, most: number): number | undefined {
  if (text === null) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new BadControlRequest(`${name} must be a whole number from ${least} to ${most}`)
}

function checked<T extends object>(
  value: unknown,
  name: string,
  fields: Readonly<Record<keyof T & string, readonly [Check, string]>>,
): T {
  const given = fieldsOf(value, name, Object.keys(fields))
  for (const [field, [check, demand]] of Object.entries<readonly [Check, string]>(fields)) {
    if (given[field] !== undefined && !check(given[field])) throw new BadControlRequest(`${name}.${field} ${demand}`)
  }
  return given as T
}

function fieldsOf(value: unknown, name: string, known: readonly string[]): Record<string, unknown> {
  if (!isObject(value)) throw new BadControlRequest(`${name} must be a JSON object`)
  const unknown = Object.keys(value).find((field) => !known.includes(field))
  if (unknown === undefined) return value
  throw new BadControlRequest(`${name} has no field ${JSON.stringify(unknown)}; there is ${known.join(', ')}`)
}

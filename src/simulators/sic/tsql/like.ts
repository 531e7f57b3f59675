import type { Scope, Translation } from './scope.ts'
import type { Expression } from './syntax.ts'
import { translateValue } from './translate-value.ts'
import { convert } from './conversions.ts'
import { isText, quoteText, type Typed } from './typed.ts'
import { nvarchar } from '../sql-type.ts'

/** LIKE without regard to case. Sets such as `[a-f]` need the pattern to be known before the statement runs. */
export function likeCondition(
  expression: Extract<Expression, { node: 'like' }>,
  operand: Typed,
  scope: Scope,
  translation: Translation,
): string {
  const text = isText(operand.type) ? operand.sql : convert(operand, nvarchar('max')).sql
  const escape = expression.escape === undefined ? '' : (constantText(expression.escape, translation) ?? '')
  const known = constantText(expression.pattern, translation)
  if (known === null) return '(null::boolean)'
  if (known !== undefined) return `(${text} ~* ${quoteText(regularExpression(known, escape))})`
  const pattern = translateValue(expression.pattern, scope, translation).sql
  return `(lower(${text}) like lower(${pattern}) escape ${quoteText(escape)})`
}

/** The text of literals, variables and their concatenations; undefined for what only the rows know. */
function constantText(expression: Expression, translation: Translation): string | null | undefined {
  if (expression.node === 'string') return expression.text
  if (expression.node === 'variable' && !expression.name.startsWith('@@')) {
    return translation.variable(expression.name, expression.at).value
  }
  if (expression.node !== 'arithmetic' || expression.operator !== '+') return undefined
  const left = constantText(expression.left, translation)
  const right = constantText(expression.right, translation)
  if (left === undefined || right === undefined) return undefined
  return left === null || right === null ? null : left + right
}

/** The whole text has to match; `%`, `_` and sets are the only signs with a meaning. */
function regularExpression(pattern: string, escape: string): string {
  let result = ''
  for (let position = 0; position < pattern.length; position += 1) {
    const character = pattern.charAt(position)
    const setEnd = character === '[' ? pattern.indexOf(']', position + 1) : -1
    if (escape !== '' && character === escape) {
      position += 1
      result += quoted(pattern.charAt(position))
    } else if (setEnd !== -1) {
      result += setExpression(pattern.slice(position + 1, setEnd))
      position = setEnd
    } else {
      result += character === '%' ? '.*' : character === '_' ? '.' : quoted(character)
    }
  }
  return `^${result}$`
}

function setExpression(content: string): string {
  const isNegated = content.startsWith('^')
  const members = (isNegated ? content.slice(1) : content).replaceAll(/[\\[\]^]/g, '\\$&')
  return members === '' ? '(?!)' : `[${isNegated ? '^' : ''}${members}]`
}

const quoted = (character: string): string => (/[\p{L}\p{N}\s]/u.test(character) ? character : `\\${character}`)

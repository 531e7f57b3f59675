import { incorrectSyntax, SqlError, unclosedQuote } from '../sql-error.ts'

export interface Token {
  /** `word` is a bare name or keyword, `name` one in brackets or double quotes, `variable` one with an @. */
  readonly kind: 'word' | 'name' | 'variable' | 'string' | 'number' | 'binary' | 'symbol' | 'end'
  /** Without quotes; what a message about it prints. */
  readonly text: string
  /** In capitals for words, so that keywords compare simply; as written for the rest. */
  readonly key: string
  readonly line: number
  /** A string with N before it. */
  readonly isUnicode: boolean
}

const BLANK = /[\s\uFEFF]+/y
const LINE_COMMENT = /--[^\n]*/y
const WORD = /[\p{L}_#][\p{L}\p{N}_@$#]*/uy
const VARIABLE = /@@?[\p{L}\p{N}_@$#]+/uy
const BINARY = /0x[0-9a-f]*/iy
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy
const SYMBOL = /<>|<=|>=|!=|!<|!>|\+=|-=|[=<>+\-*/%(),.;&|^~:]/y

/** Cuts a batch into tokens, an `end` last. Throws SqlError 102, 105 or 113 as SQL Server would. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let position = 0
  let line = 1
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position
    return pattern.exec(text)?.[0]
  }
  const add = (kind: Token['kind'], value: string, length: number, isUnicode = false): void => {
    tokens.push({ kind, text: value, key: kind === 'word' ? value.toUpperCase() : value, line, isUnicode })
    skip(length)
  }
  const skip = (length: number): void => {
    line += countLines(text.slice(position, position + length))
    position += length
  }
  while (position < text.length) {
    const ignored = match(BLANK) ?? match(LINE_COMMENT)
    if (ignored !== undefined) {
      skip(ignored.length)
      continue
    }
    const character = text.charAt(position)
    if (text.startsWith('/*', position)) {
      skip(commentLength(text, position, line))
    } else if (character === "'" || (/n/i.test(character) && text.charAt(position + 1) === "'")) {
      const start = character === "'" ? position : position + 1
      const quoted = readQuoted(text, start, "'", line)
      add('string', quoted.value, start - position + quoted.length, start !== position)
    } else if (character === '[' || character === '"') {
      const quoted = readQuoted(text, position, character === '[' ? ']' : '"', line)
      add('name', quoted.value, quoted.length)
    } else {
      const [kind, value] = readPlain(match, character, line)
      add(kind, value, value.length)
    }
  }
  tokens.push({ kind: 'end', text: tokens.at(-1)?.text ?? '', key: '', line, isUnicode: false })
  return tokens
}

function readPlain(
  match: (pattern: RegExp) => string | undefined,
  character: string,
  line: number,
): [Token['kind'], string] {
  const patterns: [Token['kind'], RegExp][] = [
    ['word', WORD],
    ['variable', VARIABLE],
    ['binary', BINARY],
    ['number', NUMBER],
    ['symbol', SYMBOL],
  ]
  for (const [kind, pattern] of patterns) {
    const value = match(pattern)
    if (value !== undefined) return [kind, value]
  }
  throw incorrectSyntax(character, line)
}

/** The quote inside is written twice. */
function readQuoted(text: string, start: number, quote: string, line: number): { value: string; length: number } {
  let value = ''
  for (let position = start + 1; position < text.length; position += 1) {
    const end = text.indexOf(quote, position)
    if (end === -1) break
    value += text.slice(position, end)
    if (text.charAt(end + 1) !== quote) return { value, length: end + 1 - start }
    value += quote
    position = end + 1
  }
  throw unclosedQuote(text.slice(start + 1), line)
}

/** Comments nest in T-SQL. */
function commentLength(text: string, start: number, line: number): number {
  let depth = 0
  for (let position = start; position < text.length; position += 1) {
    if (text.startsWith('/*', position)) depth += 1
    else if (text.startsWith('*/', position)) depth -= 1
    else continue
    position += 1
    if (depth === 0) return position + 1 - start
  }
  throw new SqlError(113, "Missing end comment mark '*/'.", { severity: 15, line })
}

const countLines = (text: string): number => text.split('\n').length - 1

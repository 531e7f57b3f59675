/** Celery cuts these texts here; they are for people's eyes alone. */
const LONGEST_REPR = 1024

/** Positional arguments as Python shows a tuple: `(1, 'two')`, `(1,)`. */
export function argsRepr(args: readonly unknown[]): string {
  const out = new ReprText()
  out.sequence('(', args, args.length === 1 ? ',)' : ')')
  return out.text
}

/** A value as Python shows it: `{'k': None, 'n': [1, 2]}`. At most 1,024 characters, then `...`. */
export function pythonRepr(value: unknown): string {
  const out = new ReprText()
  out.value(value)
  return out.text
}

/** Stops to work once the text is long enough, however large or deep the value is. */
class ReprText {
  #text = ''

  get text(): string {
    return this.#text.length > LONGEST_REPR ? `${this.#text.slice(0, LONGEST_REPR - 3)}...` : this.#text
  }

  value(value: unknown): void {
    if (this.#text.length > LONGEST_REPR) return
    if (Buffer.isBuffer(value)) this.#text += bytesRepr(value)
    else if (Array.isArray(value)) this.sequence('[', value, ']')
    else if (value !== null && typeof value === 'object') this.#object(value)
    else this.#text += scalarRepr(value)
  }

  sequence(open: string, items: readonly unknown[], close: string): void {
    this.#text += open
    for (const [index, item] of items.entries()) {
      if (this.#text.length > LONGEST_REPR) return
      if (index > 0) this.#text += ', '
      this.value(item)
    }
    this.#text += close
  }

  #object(value: object): void {
    this.#text += '{'
    let separator = ''
    for (const [key, item] of Object.entries(value)) {
      if (this.#text.length > LONGEST_REPR) return
      this.#text += `${separator}${stringRepr(key)}: `
      separator = ', '
      this.value(item)
    }
    this.#text += '}'
  }
}

function scalarRepr(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return stringRepr(value)
    case 'boolean':
      return value ? 'True' : 'False'
    case 'number':
      return numberRepr(value)
    case 'bigint':
      return String(value)
    default:
      return 'None'
  }
}

function numberRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  // Python writes at least two digits of an exponent.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Controls, unassigned and private characters, and every space but the plain one. */
const NOT_SHOWN = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

/** Single quotes, unless the text holds one and no double quote. */
function stringRepr(text: string): string {
  const shown = text.length > LONGEST_REPR ? text.slice(0, LONGEST_REPR) : text
  const quote = shown.includes("'") && !shown.includes('"') ? '"' : "'"
  const escaped = shown.replaceAll(NOT_SHOWN, escapeCharacter)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

function escapeCharacter(character: string): string {
  const named = NAMED_ESCAPES[character]
  if (named !== undefined) return named
  const code = (character.codePointAt(0) ?? 0).toString(16)
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`
}

function bytesRepr(bytes: Buffer): string {
  let text = "b'"
  for (const byte of bytes.subarray(0, LONGEST_REPR)) {
    const character = String.fromCharCode(byte)
    if (character === "'" || NAMED_ESCAPES[character] !== undefined) text += NAMED_ESCAPES[character] ?? "\\'"
    else if (byte >= 0x20 && byte < 0x7f) text += character
    else text += `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `${text}'`
}

import { httpErrors } from '#src/http/errors.ts'

/**
 * An opaque place in a list: the sort key of the last item, base64url JSON. Not signed, as it holds
 * nothing that the client has not seen; what comes back is checked for its form.
 */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** Throws `http/invalid-cursor` unless the text is a cursor of `length` strings. */
export function decodeCursor(text: string, length: number): string[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(key) && key.length === length && key.every((part) => typeof part === 'string')) return key
  } catch {
    // Told below, like every other form that is not ours.
  }
  throw httpErrors.invalidCursor()
}

/**
 * Whether the text is a moment as `toISOString` writes it, in a year that PostgreSQL knows as well: it has no year 0,
 * and none that takes a sign.
 */
export function isMoment(text: string): boolean {
  if (!/^\d{4}-/.test(text) || text < '0001') return false
  const instant = new Date(text)
  return !Number.isNaN(instant.getTime()) && instant.toISOString() === text
}

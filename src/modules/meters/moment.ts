/**
 * Whether the text is a moment as `toISOString` writes it, in a year that PostgreSQL knows as well: it has no year 0,
 * and none that takes a sign.
 */
export function isMoment(text: string): boolean {
  if (!/^\d{4}-/.test(text) || text < '0001') return false
  const instant = new Date(text)
  return !Number.isNaN(instant.getTime()) && instant.toISOString() === text
}

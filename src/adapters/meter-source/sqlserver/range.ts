import type { SourceRange } from '#src/ports/meter-source.ts'

/** A day of Africa/Dakar begins at midnight UTC. */
function startOf(day: string): Date {
  const start = new Date(`${day}T00:00:00.000Z`)
  if (Number.isNaN(start.getTime()) || !start.toISOString().startsWith(day)) throw new RangeError(`no such day: ${day}`)
  return start
}

export function rangeParameters(range: SourceRange): { since: Date; before: Date } {
  return { since: startOf(range.from), before: startOf(range.to) }
}

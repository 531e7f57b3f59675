import { isText, type Typed } from './typed.ts'

/**
 * One item of ORDER BY. NULL sorts lowest in SQL Server; texts sort without regard to case. Their order beyond that
 * is the PostgreSQL database's own collation: not every build of PostgreSQL has a French one.
 */
export function sortKey(value: Typed, isDescending: boolean): string {
  const key = isText(value.type) ? `lower(${value.sql})` : value.sql
  return `${key} ${isDescending ? 'desc nulls last' : 'asc nulls first'}`
}

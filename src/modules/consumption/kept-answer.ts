import { entityTag } from './entity-tag.ts'

/** An answer as it is sent and cached: the same bytes every time. */
export interface KeptAnswer {
  /** The cache's version of the user when the answer was made; another one there means that it may be wrong. */
  readonly version: string
  /** Until then (ms) it is as good as a new one. */
  readonly freshUntil: number
  /** Its own `stale`. */
  readonly isStale: boolean
  readonly etag: string
  readonly body: string
}

/** One line of facts, then the body untouched: a hit is sent without parsing it. */
export function encodeKept({ version, freshUntil, isStale, etag, body }: KeptAnswer): string {
  return `${version} ${freshUntil} ${isStale ? 'stale' : 'current'} ${etag}\n${body}`
}

/** Undefined for a text that this release did not write. */
export function decodeKept(text: string): KeptAnswer | undefined {
  const end = text.indexOf('\n')
  const [version, freshUntil, state, etag, ...rest] = text.slice(0, end).split(' ')
  if (end < 0 || version === undefined || etag === undefined || rest.length > 0) return undefined
  return { version, freshUntil: Number(freshUntil), isStale: state === 'stale', etag, body: text.slice(end + 1) }
}

/** The same knowledge, said to be old: for when not even PostgreSQL can be asked whether it still holds. */
export function asStale(kept: KeptAnswer): KeptAnswer {
  if (kept.isStale) return kept
  const body = JSON.stringify({ ...(JSON.parse(kept.body) as Record<string, unknown>), stale: true })
  return { ...kept, isStale: true, body, etag: entityTag(body) }
}

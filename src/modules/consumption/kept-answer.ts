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

/** Kept instead of an answer while nothing is known of any meter, so that the next requests cost as little as a hit. */
export interface KeptNothing {
  readonly version: string
  readonly freshUntil: number
  readonly isNothing: true
}

/** One line of facts, then the body untouched: a hit is sent without parsing it. */
export function encodeKept({ version, freshUntil, isStale, etag, body }: KeptAnswer): string {
  return `${version} ${freshUntil} ${isStale ? 'stale' : 'current'} ${etag}\n${body}`
}

export function encodeNothing({ version, freshUntil }: Omit<KeptNothing, 'isNothing'>): string {
  return `${version} ${freshUntil} nothing\n`
}

/** Undefined for a text that this release did not write. */
export function decodeKept(text: string): KeptAnswer | KeptNothing | undefined {
  const end = text.indexOf('\n')
  const [version, freshUntil, state, etag, ...rest] = text.slice(0, end).split(' ')
  if (end < 0 || version === undefined || rest.length > 0) return undefined
  if (state === 'nothing') return { version, freshUntil: Number(freshUntil), isNothing: true }
  if (etag === undefined) return undefined
  return { version, freshUntil: Number(freshUntil), isStale: state === 'stale', etag, body: text.slice(end + 1) }
}

/** The same knowledge, said to be old: for when not even PostgreSQL can be asked whether it still holds. */
export function asStale(kept: KeptAnswer): KeptAnswer {
  if (kept.isStale) return kept
  const body = JSON.stringify({ ...(JSON.parse(kept.body) as Record<string, unknown>), stale: true })
  return { ...kept, isStale: true, body, etag: entityTag(body) }
}

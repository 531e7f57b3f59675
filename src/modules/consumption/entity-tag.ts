import { hash } from 'node:crypto'

/** A strong validator: the same bytes have the same tag, in every process. */
export function entityTag(body: string): string {
  return `"${hash('sha256', body, 'base64url')}"`
}

/** If-None-Match by weak comparison (RFC 9110, 13.1.2): what a proxy marked as weak on the way still matches. */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  if (header === tag || header.trim() === '*') return true
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag)
}

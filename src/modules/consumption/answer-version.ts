import { randomUUID } from 'node:crypto'
import type { Cache } from '#src/ports/cache.ts'

const VERSION_FOR_MS = 7 * 24 * 3_600_000
/** The version while the cache is away: nothing is kept under it. */
export const NO_VERSION = '-'

/**
 * Where the cache has the version of a user's answers. An answer counts only under the one that it was made under, and
 * a version that was deleted or evicted never comes back.
 */
export function versionKey(userId: string): string {
  return `consumption:version:${userId}`
}

/** The version there is, or a new one. */
export async function versionOf(cache: Cache, userId: string): Promise<string> {
  const key = versionKey(userId)
  const proposed = randomUUID()
  if (await cache.setIfAbsent(key, proposed, VERSION_FOR_MS)) return proposed
  return (await cache.get(key)) ?? NO_VERSION
}

/**
 * Makes every kept answer about these users unreachable. For whoever changes what a user sees: links and meters.
 * Call it after the commit. An answer that is being made meanwhile is not kept under the next version.
 */
export async function forgetUsers(cache: Cache, userIds: readonly string[]): Promise<void> {
  if (userIds.length > 0) await cache.delete(...userIds.map(versionKey))
}

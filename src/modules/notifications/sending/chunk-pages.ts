import { reachNow } from '#src/modules/preferences/reach-now.ts'
import type { Chunk, ChunkDevice } from './chunk-store.ts'
import type { Sending } from './sending.ts'

/** The devices that are sent to together, before their outcomes are recorded together. */
export interface ChunkPage {
  readonly after: string
  readonly through: string
  readonly devices: readonly ChunkDevice[]
}

/**
 * As many pushes of unknown outcome does a crash leave behind for each task of its worker, at most: they are sent again.
 * A page costs one statement.
 */
export const PAGE_DEVICES = 32

/** Cuts a chunk's devices, in the order of their accounts, so that no account is in two pages. At least one page. */
export function pagesOf(chunk: Chunk, devices: readonly ChunkDevice[], pageDevices = PAGE_DEVICES): ChunkPage[] {
  const pages: ChunkPage[] = []
  let page: ChunkDevice[] = []
  let after = chunk.settledThrough
  for (const device of devices) {
    const last = page.at(-1)
    if (last !== undefined && page.length >= pageDevices && last.accountId !== device.accountId) {
      pages.push({ after, through: last.accountId, devices: page })
      after = last.accountId
      page = []
    }
    page.push(device)
  }
  return [...pages, { after, through: chunk.through, devices: page }]
}

/** What is done about a device now: urgent messages outrank its owner's wishes, nothing is sent past its time. */
export function planFor(
  { preference }: ChunkDevice,
  { type, priority, expiresAt }: Pick<Sending, 'type' | 'priority' | 'expiresAt'>,
  nowMs: number,
): 'push' | 'muted' | 'expired' | { readonly heldUntil: Date } {
  const expiresMs = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
  if (nowMs >= expiresMs) return 'expired'
  const reach = reachNow(preference, { type, priority }, nowMs)
  if (typeof reach === 'object' && reach.heldUntil.getTime() >= expiresMs) return 'expired'
  return reach
}

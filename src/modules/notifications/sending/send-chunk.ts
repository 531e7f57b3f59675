import { moment } from '#src/core/moment.ts'
import type { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import { type ChunkPage, pagesOf, planFor } from './chunk-pages.ts'
import type { ChunkDevice, ChunkStore, DeliveryRow, Lease, PageRecord } from './chunk-store.ts'
import { type Claim, isTimeToPush, type Judged, LEASE_MS, pushAll, type PushParts } from './push-page.ts'
import { recordFirmly } from './record-firmly.ts'
import { retiredBy } from './retire-targets.ts'
import type { Sending } from './sending.ts'
import { GATEWAY_PAUSE_MS, maybeArrived, type Verdict } from './verdict.ts'

export interface ChunkParts extends PushParts {
  readonly chunks: ChunkStore
  /** Devices that are sent to together. @default 32 */
  readonly pageDevices?: number
}

/**
 * - `done`: every device of the chunk has an outcome, or a time at which it is tried again.
 * - `cancelled`: the notification was, and the rest is not sent.
 * - `busy`: another has it; if that one died it can be taken at `until`.
 * - `unusable`: the rest waits for the gateway.
 */
export type ChunkEnd =
  | { readonly end: 'done' | 'cancelled' }
  | { readonly end: 'busy'; readonly until: Date }
  | { readonly end: 'unusable'; readonly cause: PushGatewayUnusable }

const chunkTaken = moment('chunk.taken')
const pagePushed = moment('page.pushed')
const pageRecorded = moment('page.recorded')

/**
 * Sends to what is left of a chunk, page by page. Only the page under way at a crash has outcomes that nobody knows:
 * whoever takes the chunk next starts there, and notes on its devices that they may have had the message before.
 * Throws the reason of `signal` between two pages.
 */
export async function sendChunk(
  parts: ChunkParts,
  sending: Sending,
  number: number,
  signal: AbortSignal,
): Promise<ChunkEnd> {
  const { chunks, timers } = parts
  const chunk = await chunks.chunk(sending.id, number)
  if (chunk === undefined) return { end: 'done' }
  const busyUntil = chunk.leasedUntil
  if (busyUntil !== null && timers.now() < busyUntil.getTime()) return { end: 'busy', until: busyUntil }
  const devices = await chunks.devices(sending, { after: chunk.settledThrough, through: chunk.through })
  const pages = pagesOf(chunk, devices, parts.pageDevices)
  const first = { sendingThrough: pages[0]?.through ?? chunk.through, until: leaseEnd(parts), devices: devices.length }
  const lease = await chunks.take(sending.id, chunk, first)
  if (lease === undefined) return { end: 'busy', until: first.until }
  chunkTaken()
  const run = { parts, sending, lease, unknownThrough: chunk.sendingThrough, signal }
  return sendPages(run, pages, first.until)
}

interface Run {
  readonly parts: ChunkParts
  readonly sending: Sending
  readonly lease: Lease
  /** Somebody who died may have sent to the accounts up to this one. */
  readonly unknownThrough: string | null
  readonly signal: AbortSignal
}

async function sendPages(run: Run, pages: readonly ChunkPage[], leasedUntil: Date): Promise<ChunkEnd> {
  const { parts, lease, signal } = run
  let until = leasedUntil
  for (const [index, page] of pages.entries()) {
    if (signal.aborted) {
      await parts.chunks.release(lease, unknownAfter(run, page))
      throw signal.reason
    }
    if (!isTimeToPush(until.getTime(), parts.timers.now())) return { end: 'busy', until }
    const judged = await pushPage(run, page)
    pagePushed()
    const unusable = judged.flatMap((one) => ('unusable' in one ? [one.unusable] : []))[0]
    const next = pages[index + 1]
    const nextUntil = leaseEnd(parts)
    const rest = nextOf(next, nextUntil, unusable !== undefined)
    const record = recordOf(run, page, judged, rest)
    const firmly = { timers: parts.timers, leasedUntilMs: until.getTime(), signal }
    const outcome = await recordFirmly(() => parts.chunks.record(run.sending, lease, record), firmly)
    pageRecorded()
    // Whoever has it now must find the same dead targets, or their devices would have no outcome.
    if (outcome === 'lost') return { end: 'busy', until: nextUntil }
    const retired = retiredBy(judged.filter((one) => 'claim' in one))
    if (retired.length > 0) await parts.chunks.retire(retired, record.now)
    if (outcome === 'cancelled') return { end: 'cancelled' }
    if (unusable !== undefined && next !== undefined) return { end: 'unusable', cause: unusable }
    until = nextUntil
  }
  return { end: 'done' }
}

/** What is still unknown when the pages before this one are recorded. */
function unknownAfter({ unknownThrough }: Run, { after }: ChunkPage): string | null {
  return unknownThrough !== null && unknownThrough > after ? unknownThrough : null
}

function nextOf(next: ChunkPage | undefined, until: Date, isUnusable: boolean): PageRecord['rest'] {
  if (next === undefined) return 'done'
  return isUnusable ? 'released' : { sendingThrough: next.through, until }
}

interface PageClaim extends Claim {
  readonly targetKind: 'token' | 'fid'
  readonly target: string
}

/** What became of each device of a page, whatever the way. */
type PageOutcome =
  | Judged<PageClaim>
  | { readonly plan: 'muted' | 'expired'; readonly device: ChunkDevice; readonly maybeDuplicate: boolean }
  | { readonly held: ChunkDevice; readonly until: Date; readonly maybeDuplicate: boolean }

async function pushPage(run: Run, page: ChunkPage): Promise<PageOutcome[]> {
  const { parts, sending, signal, unknownThrough } = run
  const nowMs = parts.timers.now()
  const outcomes: PageOutcome[] = []
  const claims: PageClaim[] = []
  for (const device of page.devices) {
    const plan = planFor(device, sending, nowMs)
    const maybeDuplicate = unknownThrough !== null && device.accountId <= unknownThrough
    if (plan === 'push') claims.push(claimOf(device, maybeDuplicate, nowMs))
    else if (typeof plan === 'object') outcomes.push({ held: device, until: plan.heldUntil, maybeDuplicate })
    else outcomes.push({ plan, device, maybeDuplicate })
  }
  const isWanted = (): Promise<boolean> => parts.chunks.isSending(sending.id)
  return [...outcomes, ...(await pushAll(parts, sending, claims, signal, isWanted))]
}

function claimOf(device: ChunkDevice, maybeDuplicate: boolean, nowMs: number): PageClaim {
  const { deviceId, targetKind, target } = device
  // Who died before us has tried it too.
  const attempts = maybeDuplicate ? 2 : 1
  return { deviceId, targetKind, target, attempts, firstTriedAt: new Date(nowMs), maybeDuplicate }
}

function recordOf(run: Run, page: ChunkPage, outcomes: readonly PageOutcome[], rest: PageRecord['rest']): PageRecord {
  const now = new Date(run.parts.timers.now())
  const counts = { sent: 0, muted: 0, expired: 0 }
  const rows: DeliveryRow[] = []
  for (const outcome of outcomes) {
    if ('held' in outcome) rows.push(heldRow(outcome.held.deviceId, now, outcome, 'quiet hours'))
    else if ('plan' in outcome && outcome.maybeDuplicate) rows.push(tooLateRow(outcome.device, now, outcome.plan))
    else if ('plan' in outcome) counts[outcome.plan] += 1
    else if ('unusable' in outcome) rows.push(waitingRow(outcome.claim, now))
    else if (isCountedAlone(run.sending, outcome.claim, outcome.verdict)) counts.sent += 1
    else rows.push(rowOf(outcome.claim, outcome.verdict))
  }
  return { after: page.after, through: page.through, rest, ...counts, rows, now }
}

/** A million rows that say "sent" would tell nobody anything: a broadcast keeps those of what went another way. */
function isCountedAlone({ isBroadcast }: Sending, claim: PageClaim, verdict: Verdict): boolean {
  return isBroadcast && verdict.state === 'sent' && !claim.maybeDuplicate
}

function rowOf(claim: PageClaim, verdict: Verdict): DeliveryRow {
  const { deviceId, attempts, firstTriedAt, maybeDuplicate } = claim
  return {
    deviceId,
    attempts,
    firstTriedAt,
    state: verdict.state,
    nextAttemptAt: verdict.state === 'retrying' ? verdict.nextAttemptAt : null,
    providerId: verdict.state === 'sent' ? verdict.providerId : null,
    reason: verdict.state === 'sent' ? null : verdict.reason,
    maybeDuplicate: maybeDuplicate || maybeArrived(verdict),
  }
}

/** Nothing left: a gateway that is broken does not use up the hour in which a device is tried. */
function waitingRow({ deviceId, maybeDuplicate }: PageClaim, now: Date): DeliveryRow {
  const until = new Date(now.getTime() + GATEWAY_PAUSE_MS)
  return heldRow(deviceId, now, { until, maybeDuplicate }, 'gateway unusable')
}

function heldRow(
  deviceId: string,
  now: Date,
  { until, maybeDuplicate }: { readonly until: Date; readonly maybeDuplicate: boolean },
  reason: string,
): DeliveryRow {
  const never = { attempts: 0, firstTriedAt: now, providerId: null }
  return { deviceId, state: 'held', nextAttemptAt: until, reason, maybeDuplicate, ...never }
}

/** Who died may have sent to it, and by now it is not to be sent to: its count alone would be a lie. */
function tooLateRow({ deviceId }: ChunkDevice, now: Date, reason: string): DeliveryRow {
  const tried = { attempts: 1, firstTriedAt: now, nextAttemptAt: null, providerId: null }
  return { deviceId, state: 'failed', reason, maybeDuplicate: true, ...tried }
}

function leaseEnd({ timers }: ChunkParts): Date {
  return new Date(timers.now() + LEASE_MS)
}

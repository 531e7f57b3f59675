import type { notificationStatus } from '#src/modules/notifications/status.ts'

type Status = NonNullable<Awaited<ReturnType<typeof notificationStatus>>>
export type Watched = Pick<Status, 'state' | 'counts' | 'rate_per_minute' | 'estimated_done_at'>

export interface FrameOptions {
  /** Of the terminal. */
  readonly columns: number
  /** False: ASCII alone. */
  readonly isUnicode: boolean
  readonly nowMs: number
}

const LONGEST_BAR = 40
const SHORTEST_BAR = 8

/** Two lines: how far it is, and what became of the devices. Each is narrower than the terminal, so that none wraps. */
export function progressFrame(status: Watched, options: FrameOptions): string[] {
  const room = Math.max(0, options.columns - 1)
  return [progressLine(status, options, room), shortened(countsText(status), room, options.isUnicode)]
}

/** What does not fit is left out, the least important first: the end, the rate, then the bar. */
function progressLine(status: Watched, { isUnicode, nowMs }: FrameOptions, room: number): string {
  const share = shareDone(status)
  const head = status.state.padEnd('cancelled'.length)
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const tails = [rateText(status), endText(status, nowMs)].filter((text) => text !== undefined)
  for (let kept = tails.length; kept >= 0; kept -= 1) {
    const tail = [percent, ...tails.slice(0, kept)].join('  ')
    const width = Math.min(LONGEST_BAR, room - head.length - tail.length - '  []  '.length)
    if (width >= SHORTEST_BAR) return `${head}  [${bar(share, width, isUnicode)}]  ${tail}`
  }
  return shortened(`${status.state} ${percent.trimStart()}`, room, isUnicode)
}

/**
 * Devices are known as their owners' turn comes, so that the share of those known is high from the start; and of the
 * owners whose turn is over, some devices wait for another attempt. The lower of both is the truth.
 */
function shareDone({ state, counts }: Watched): number {
  if (state === 'done') return 1
  const { recipients, recipients_done: recipientsDone, devices } = counts
  const settled = counts.sent + counts.failed + counts.dead_tokens + counts.muted + counts.expired
  return Math.min(shareOf(recipientsDone, recipients), devices === 0 ? 1 : shareOf(settled, devices))
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole)
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bar(share: number, width: number, isUnicode: boolean): string {
  if (!isUnicode) return '#'.repeat(Math.floor(share * width)).padEnd(width, '.')
  const eighths = Math.floor(share * width * 8)
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`.padEnd(width)
}

function rateText({ state, rate_per_minute: rate }: Watched): string | undefined {
  return state !== 'sending' || rate === null ? undefined : `${grouped(rate)}/min`
}

/** @param nowMs the same clock as `estimated_done_at` */
function endText({ state, estimated_done_at: end }: Watched, nowMs: number): string | undefined {
  if (state !== 'sending' || end === null) return undefined
  // Dakar keeps UTC.
  return `until ${end.slice(11, 19)}, ${durationText(Date.parse(end) - nowMs)}`
}

function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Without a frame: for a log, and for a reader of one line. */
export function countsText({ counts }: Watched): string {
  const { devices, sent, failed, dead_tokens: dead, retrying, held, muted, expired } = counts
  const named = { failed, 'dead targets': dead, retrying, held, muted, expired }
  const others = Object.entries(named).flatMap(([name, count]) => (count === 0 ? [] : [`, ${grouped(count)} ${name}`]))
  return `${grouped(sent)} sent${others.join('')}; ${grouped(devices)} devices`
}

function grouped(count: number): string {
  return count.toLocaleString('en')
}

function shortened(text: string, room: number, isUnicode: boolean): string {
  if (text.length <= room) return text
  return isUnicode && room > 0 ? `${text.slice(0, room - 1)}…` : text.slice(0, room)
}

import { type MessageRow, toItem } from './item.ts'

/** What streams send, as server-sent events have it: JSON is one line, so no line needs splitting. */

export type ClosingReason = 'token_expired' | 'session_ended' | 'draining'

/** A message made ready once for all who are told of it. */
export interface Told {
  readonly id: string
  readonly visibleAt: number
  readonly isUnread: boolean
  /** The item without its closing brace: `unread` differs from stream to stream. */
  readonly openJson: string
}

export function toTold(row: MessageRow): Told {
  return {
    id: row.id,
    visibleAt: row.visible_at.getTime(),
    isUnread: row.read_at === null,
    openJson: JSON.stringify(toItem(row)).slice(0, -1),
  }
}

export function openText(id: string, unread: number, retryMs: number): string {
  return `retry: ${retryMs}\nevent: open\nid: ${id}\ndata: {"unread":${unread}}\n\n`
}

export function notificationText(id: string, told: Told, unread: number): string {
  return `event: notification\nid: ${id}\ndata: ${told.openJson},"unread":${unread}}\n\n`
}

/** `null`: all. Without an id: missing it costs nothing that `unread` does not mend. */
export function readText(notificationId: string | null, unread: number): string {
  return `event: read\ndata: ${JSON.stringify({ id: notificationId, unread })}\n\n`
}

export function unreadText(unread: number): string {
  return `event: unread\ndata: {"unread":${unread}}\n\n`
}

export function closingText(reason: ClosingReason, retryMs: number): string {
  return `retry: ${retryMs}\nevent: closing\ndata: {"reason":"${reason}"}\n\n`
}

/** A comment: nothing happens at the client, and proxies see that the stream lives. */
export const HEARTBEAT_TEXT = ':\n\n'

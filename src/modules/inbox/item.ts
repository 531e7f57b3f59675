/** A message as the inbox's queries give it. */
export interface MessageRow {
  readonly id: string
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: Readonly<Record<string, string>>
  readonly priority: string
  readonly visible_at: Date
  readonly read_at: Date | null
}

/** A message as clients see it, in the list and in an event. */
export interface InboxItem {
  readonly id: string
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: Readonly<Record<string, string>>
  readonly priority: string
  readonly created_at: string
  readonly read_at: string | null
}

export function toItem({ visible_at: visibleAt, read_at: readAt, ...content }: MessageRow): InboxItem {
  return { ...content, created_at: visibleAt.toISOString(), read_at: readAt?.toISOString() ?? null }
}

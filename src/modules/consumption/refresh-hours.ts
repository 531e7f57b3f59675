/** Minutes of the day in Dakar, `until` exclusive; the end may lie after midnight. */
export interface RefreshHours {
  readonly from: number
  readonly until: number
}

const DAY_MINUTES = 1_440
const FORM = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/

/** Reads `01:00-05:00`, in Dakar's time. Undefined for a text of another form, and for hours of no length. */
export function parseRefreshHours(text: string): RefreshHours | undefined {
  const [from, until] = (FORM.exec(text)?.slice(1).map(Number) ?? []).flatMap((part, place, parts) =>
    place % 2 === 0 ? [part * 60 + (parts[place + 1] ?? 0)] : [],
  )
  return from === undefined || until === undefined || from === until ? undefined : { from, until }
}

export function isWithinHours({ from, until }: RefreshHours, now: number): boolean {
  const minute = Math.floor(now / 60_000) % DAY_MINUTES
  return from < until ? minute >= from && minute < until : minute >= from || minute < until
}

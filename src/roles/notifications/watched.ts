/** What is shown of a notification's status; `counts` may tell more, which is shown by its name. */
export interface Watched {
  readonly state: 'queued' | 'sending' | 'done' | 'cancelled'
  readonly counts: {
    readonly devices: number
    readonly sent: number
    readonly failed: number
    readonly dead_tokens: number
    readonly retrying: number
    /** Wait for the end of their owner's quiet hours. */
    readonly held?: number
    readonly muted?: number
    readonly expired?: number
  }
  readonly rate_per_minute?: number | null
  readonly estimated_done_at?: string | null
}

/**
 * Tells other processes of what has just happened, at most once: whoever is not listening at that moment, or is cut
 * off, never hears of it. What matters stands in PostgreSQL; an event only says that a look there is worth it.
 */
export interface EventBus extends AsyncDisposable {
  /** Resolves when the event was handed over, or is lost; waits no longer than a second and never rejects. */
  publish(channel: string, payload: string): Promise<void>
  /** Returns at once; `listener.onListening` says from when on events arrive. Disposing of the result ends it. */
  subscribe(channel: string, listener: BusListener): Disposable
}

/** Neither may throw; one that does is logged, and the others hear the event all the same. */
export interface BusListener {
  /** Events of one publisher come in their order. The publisher's own process hears them too. */
  onEvent(payload: string): void
  /** Events are heard from now on: called at first, and each time after a loss. What was told before may be missing. */
  onListening(): void
}

export interface Standstills {
  /** From the end of one to the start of the next. */
  readonly pauseMs: () => number
  readonly lengthMs: () => number
}

/** From now on this process stands still by chance, as on a machine whose cores others use. It keeps nothing alive. */
export function standStillNowAndThen({ pauseMs, lengthMs }: Standstills): void {
  setTimeout(() => {
    const endsAt = performance.now() + lengthMs()
    while (performance.now() < endsAt);
    standStillNowAndThen({ pauseMs, lengthMs })
  }, pauseMs()).unref()
}

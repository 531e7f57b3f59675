/** Pushes `first` to `first + count`, to the simulator at `baseUrl`. */
export interface SendOrder {
  readonly baseUrl: string
  readonly credentialsFile: string
  readonly caFile: string
  readonly first: number
  readonly count: number
}

export interface SendTime {
  readonly elapsedMs: number
  /** Of the sender's process, in all its threads. */
  readonly cpuMs: number
  /** Pushes that FCM did not accept. */
  readonly failures: number
}

/** @param send resolves to the number of failures */
export async function timed(send: () => Promise<number>): Promise<SendTime> {
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const failures = await send()
  const { user, system } = process.cpuUsage(cpuBefore)
  return { elapsedMs: performance.now() - startedAt, cpuMs: (user + system) / 1_000, failures }
}

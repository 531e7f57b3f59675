/**
 * Resolves at the first SIGINT or SIGTERM. Later ones change nothing: npm and the terminal often send the same
 * signal twice, and a stop that has begun must be allowed to end.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve)
  })
}

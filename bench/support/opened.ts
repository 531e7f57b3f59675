/** What a benchmark opens in it is closed with it, also when the benchmark is told to stop. */
export function openedResources(): AsyncDisposableStack {
  const opened = new AsyncDisposableStack()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void opened.disposeAsync().finally(() => process.exit(2)))
  }
  return opened
}

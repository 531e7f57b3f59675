type Listener = () => void

const listening = new WeakMap<AbortSignal, Set<Listener>>()

/**
 * As `addEventListener('abort')`, for thousands of pushes that share one signal: it gets one listener for all of them.
 * Returns what takes this one away.
 */
export function onAbort(signal: AbortSignal, listener: Listener): () => void {
  let listeners = listening.get(signal)
  if (listeners === undefined) {
    const all = (listeners = new Set<Listener>())
    listening.set(signal, all)
    signal.addEventListener('abort', () => all.forEach((one) => one()), { once: true })
  }
  const all = listeners
  all.add(listener)
  return () => void all.delete(listener)
}

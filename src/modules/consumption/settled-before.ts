/** What the promise settles to if it does before the signal aborts, else what `otherwise` returns or throws. */
export function settledBefore<T>(signal: AbortSignal, promise: Promise<T>, otherwise: () => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      try {
        resolve(otherwise())
      } catch (error) {
        reject(error)
      }
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

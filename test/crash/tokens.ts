const TOKEN_FOR_MS = 5 * 60_000

/** A bearer token of somebody, asked for again before it ends at whichever API answers. */
export function tokens(urls: readonly string[], { login, password }: { login: string; password: string }) {
  let [current, logInAt] = [undefined as Promise<string> | undefined, 0]
  const logIn = async (url: string): Promise<string> => {
    const body = JSON.stringify({ login, password })
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(`${url}/api/login`, { method: 'POST', headers, body, signal })
    if (response.status !== 200) throw new Error(`login refused: ${response.status}`)
    return ((await response.json()) as { access_token: string }).access_token
  }
  return (): Promise<string> => {
    if (current !== undefined && performance.now() < logInAt) return current
    logInAt = performance.now() + TOKEN_FOR_MS
    current = Promise.any(urls.map(logIn))
    current.catch(() => (logInAt = 0))
    return current
  }
}

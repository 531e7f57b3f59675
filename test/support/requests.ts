import type { LightMyRequestResponse } from 'fastify'
import type { App } from '#src/http/app.ts'

export interface LoggedIn {
  readonly access_token: string
  readonly refresh_token: string
  readonly user: { readonly id: string; readonly role: string }
}

export function post(app: App, url: string, body: unknown, token?: string): Promise<LightMyRequestResponse> {
  return send(app, 'POST', url, body, token)
}

export function put(app: App, url: string, body: unknown, token?: string): Promise<LightMyRequestResponse> {
  return send(app, 'PUT', url, body, token)
}

export function get(app: App, url: string, token?: string): Promise<LightMyRequestResponse> {
  return app.inject({ method: 'GET', url, headers: authorization(token) })
}

function send(app: App, method: 'POST' | 'PUT', url: string, body: unknown, token?: string) {
  const payload = JSON.stringify(body ?? {})
  return app.inject({ method, url, payload, headers: { 'content-type': 'application/json', ...authorization(token) } })
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Logs in by whichever credentials are given and fails the test when that is refused. */
export async function logIn(app: App, credentials: object): Promise<LoggedIn> {
  const answer = await post(app, '/api/login', credentials)
  if (answer.statusCode !== 200) throw new Error(`login refused: ${answer.statusCode} ${answer.body}`)
  return answer.json<LoggedIn>()
}

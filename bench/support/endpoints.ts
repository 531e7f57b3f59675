import type { Priority } from '#src/modules/notifications/priorities.ts'
import type { PlannedRequest } from '../spawned/open-loop.ts'
import type { BenchCustomer, World } from './world.ts'

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** The five of the seed's latency table with its figures in ms, and each one's share of the mix. */
export const ENDPOINTS = [
  { label: 'GET /health', perHundred: 15, seed: { p50: 10, p95: 20, p99: 30 } },
  { label: 'POST /api/login', perHundred: 5, seed: { p50: 100, p95: 200, p99: 500 } },
  { label: 'GET /api/consumption', perHundred: 45, seed: { p50: 150, p95: 300, p99: 800 } },
  { label: 'POST /notifications', perHundred: 10, seed: { p50: 50, p95: 100, p99: 200 } },
  { label: 'GET /api/users/{id}', perHundred: 25, seed: { p50: 80, p95: 150, p99: 300 } },
] as const satisfies readonly { label: string; perHundred: number; seed: Percentiles }[]

export type EndpointLabel = (typeof ENDPOINTS)[number]['label']

type Credentials = Pick<World, 'pin' | 'serviceToken'>

export function requestFor(
  label: EndpointLabel,
  customer: BenchCustomer,
  { pin, serviceToken }: Credentials,
): PlannedRequest {
  switch (label) {
    case 'GET /health':
      return get(label, '/health')
    case 'GET /api/users/{id}':
      return get(label, `/api/users/${customer.id}`, customer.accessToken)
    case 'GET /api/consumption':
      return get(label, `/api/consumption/${customer.id}`, customer.accessToken)
    case 'POST /api/login':
      return post(label, '/api/login', { phone: customer.phone, pin, device: customer.device })
    case 'POST /notifications':
      return notificationTo(customer.id, { label, priority: 'normal', serviceToken })
  }
}

/** A notification for one customer. */
export function notificationTo(
  userId: string,
  { label, priority, serviceToken }: { label: string; priority: Priority; serviceToken: string },
): PlannedRequest {
  const text = {
    title: 'Coupure programmée',
    body: 'Travaux demain de 8 h à 14 h dans votre quartier.',
    type: 'outage',
  }
  return post(label, '/notifications', { ...text, audience: { kind: 'user', user_id: userId }, priority }, serviceToken)
}

const bearer = (token: string | undefined) => (token === undefined ? {} : { authorization: `Bearer ${token}` })

function get(label: string, path: string, token?: string): PlannedRequest {
  return { label, method: 'GET', path, headers: { accept: 'application/json', ...bearer(token) }, body: undefined }
}

function post(label: string, path: string, body: object, token?: string): PlannedRequest {
  const headers = { 'content-type': 'application/json', accept: 'application/json', ...bearer(token) }
  return { label, method: 'POST', path, headers, body: JSON.stringify(body) }
}

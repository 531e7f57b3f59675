/** The moments at which an API can be killed, as the product names them (core/moment.ts). */
export const API_POINTS = ['notification.stored', 'outbox.confirmed'] as const
/** Those of a worker. */
export const WORKER_POINTS = [
  'chunk.taken',
  'page.pushed',
  'page.recorded',
  'due.claimed',
  'due.pushed',
  'fan-out.stepped',
  'outbox.confirmed',
] as const

/** Passed many times a second under load. */
const OFTEN = new Set<string>(['notification.stored', 'chunk.taken', 'page.pushed', 'page.recorded'])
export const isOften = (point: Point): boolean => OFTEN.has(point)

export type Point = (typeof API_POINTS)[number] | (typeof WORKER_POINTS)[number]
export const POINTS: readonly Point[] = [...new Set([...API_POINTS, ...WORKER_POINTS])]

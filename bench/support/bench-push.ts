import type { Push } from '#src/ports/push-gateway.ts'

/** The pushes that senders are compared by: an outage warning with its ids, 400 bytes on the wire. */
export function benchPush(place: number): Push {
  const number = String(place).padStart(12, '0')
  return {
    messageId: `4b1d0c52-93a1-8e07-b6f4-${number}`,
    target: { kind: 'token', value: `bench-4b1d0c52-93a1-4e07-b6f4-${number}` },
    title: 'Coupure programmée',
    body: 'Travaux demain de 8 h à 14 h dans votre quartier.',
    data: { notification_id: '7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11', type: 'outage' },
    urgency: 'normal',
    ttlMs: 4 * 3_600_000,
    lane: 'bulk',
  }
}

import type { Sending } from '#src/modules/notifications/sending/sending.ts'
import type { Preference } from '#src/modules/preferences/reach-now.ts'
import type { Chance } from './chance.ts'
import { type MemoryChunk, type MemoryDevice, MemorySendingStore } from './memory-sending-store.ts'

/** How much of what can go wrong goes wrong in one history, each from 0 to 1. */
export interface Troubles {
  readonly crash: number
  readonly stop: number
  readonly still: number
  readonly store: number
  readonly provider: number
  readonly redelivery: number
}

export interface Scenario {
  readonly sending: Sending
  readonly store: MemorySendingStore
  readonly pageDevices: number
  readonly workers: number
  readonly troubles: Troubles
  /** After so many milliseconds it is cancelled. */
  readonly cancelAfterMs: number | undefined
}

export const START_MS = Date.UTC(2026, 2, 15, 21, 59)
const NOTIFICATION_ID = '5f2b8e0c-1111-4222-8333-94c1d2e3f405'
const QUIET: Preference = { muted_types: [], quiet_from: '22:00:00', quiet_until: '22:10:00' }
const MUTED: Preference = { muted_types: ['general'], quiet_from: null, quiet_until: null }

/** A small notification and a bad day, drawn by lot. */
export function scenarioOf(chance: Chance): Scenario {
  const devices = devicesOf(chance)
  const expiresAt = chance.is(0.2) ? new Date(START_MS + chance.between(1_000, 200_000)) : null
  const level = (): number => (chance.is(0.4) ? 0 : chance.next())
  return {
    sending: {
      id: NOTIFICATION_ID,
      type: 'general',
      title: 't',
      body: 'b',
      data: {},
      agencyId: null,
      expiresAt,
      priority: chance.is(0.2) ? 'urgent' : 'normal',
      isBroadcast: chance.is(0.6),
      recipients: devices.length,
      fannedOutThrough: null,
      isFannedOut: true,
      visibleAt: new Date(START_MS),
      hasSent: false,
    },
    store: new MemorySendingStore(devices, chunksOf(devices, chance)),
    pageDevices: chance.between(1, 4),
    workers: chance.between(1, 3),
    troubles: {
      crash: level(),
      stop: level(),
      still: level(),
      store: level(),
      provider: level(),
      redelivery: level(),
    },
    cancelAfterMs: chance.is(0.15) ? chance.between(0, 60_000) : undefined,
  }
}

export const idOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

function devicesOf(chance: Chance): MemoryDevice[] {
  const devices: MemoryDevice[] = []
  const accounts = chance.between(1, 9)
  for (let account = 1; account <= accounts; account += 1) {
    const draw = chance.next()
    const preference = draw < 0.1 ? QUIET : draw < 0.15 ? MUTED : undefined
    const count = chance.is(0.15) ? 2 : 1
    for (let number = 1; number <= count; number += 1) {
      devices.push(aMemoryDevice(idOf(account * 10), idOf(account * 10 + number * 3), preference))
    }
  }
  return devices
}

export function aMemoryDevice(accountId: string, deviceId: string, preference?: Preference): MemoryDevice {
  const target = { targetKind: 'token' as const, target: `target of ${deviceId}` }
  return { accountId, deviceId, ...target, preference, isDead: false, isQuarantined: false }
}

function chunksOf(devices: readonly MemoryDevice[], chance: Chance): MemoryChunk[] {
  const accounts = [...new Set(devices.map(({ accountId }) => accountId))]
  const size = chance.between(3, 9)
  const chunks: MemoryChunk[] = []
  let settledThrough = idOf(0)
  for (let at = 0; at < accounts.length; at += size) {
    const through = accounts[Math.min(at + size, accounts.length) - 1] ?? idOf(0)
    chunks.push(aMemoryChunk(chunks.length + 1, settledThrough, through))
    settledThrough = through
  }
  return chunks
}

export function aMemoryChunk(number: number, settledThrough: string, through: string): MemoryChunk {
  const unheld = { sendingThrough: null, lease: 0, leasedUntil: null, isDone: false }
  return { number, settledThrough, through, ...unheld, devicesLeft: 0, sent: 0, muted: 0, expired: 0 }
}

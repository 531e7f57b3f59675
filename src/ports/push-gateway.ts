/**
 * Where a push message leaves for a device. A failed push is a value, not an exception: the caller
 * records it. `send` throws only when the gateway itself is unusable (bad credentials, closed).
 */
export interface PushGateway extends AsyncDisposable {
  send(push: Push, signal?: AbortSignal): Promise<PushOutcome>
}

/** FCM is moving from registration tokens to installation ids; both name one app on one device. */
export interface PushTarget {
  readonly kind: 'token' | 'fid'
  readonly value: string
}

export interface Push {
  /** Stable over retries of the same message to the same device, so that a receiver can drop a duplicate. */
  readonly messageId: string
  readonly target: PushTarget
  readonly title: string
  readonly body: string
  /** FCM data: string values alone. */
  readonly data: Readonly<Record<string, string>>
  readonly urgency: 'high' | 'normal'
}

/**
 * - `sent`: the provider has it.
 * - `dead_target`: this target will never work again; remove it from its device.
 * - `refused`: this message will never be accepted (payload, credentials of the project); the target stays.
 * - `retry`: not now. `afterMs` is the least wait. `maybeSent` says that the outcome is unknown, so that a
 *   retry may be a duplicate.
 */
export type PushOutcome =
  | { readonly state: 'sent'; readonly providerId: string }
  | { readonly state: 'dead_target'; readonly reason: string }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'retry'; readonly reason: string; readonly afterMs: number; readonly maybeSent: boolean }

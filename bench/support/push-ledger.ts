import { messageIdOf } from '#src/modules/notifications/sending/push-message.ts'
import { PushCounts, type PushCountsView } from '#src/simulators/fcm/push-counts.ts'
import type { Inhabitant } from './population.ts'

/** What was accepted, push by push, to be compared with what FCM has got. */
export class PushLedger {
  readonly #expected = new PushCounts()
  #accepted = 0

  get accepted(): number {
    return this.#accepted
  }

  add(notificationId: string, inhabitant: Inhabitant): void {
    this.#accepted += 1
    this.#expected.add(inhabitant.pushToken, messageIdOf(notificationId, inhabitant.deviceId))
  }

  /** Compares the sets, not only their sizes. */
  reckon(received: PushCountsView): Reckoning {
    const expected = this.#expected.view()
    const repeats = Object.entries(received.by_times).map(([times, pushes]) => (Number(times) - 1) * pushes)
    return {
      accepted: this.#accepted,
      arrived: received.distinct,
      repeated: repeats.reduce((sum, one) => sum + one, 0),
      isSameSet: expected.distinct === received.distinct && expected.digest === received.digest,
    }
  }
}

export interface Reckoning {
  readonly accepted: number
  /** Told apart by device and message. */
  readonly arrived: number
  /** Those that FCM accepted once more. */
  readonly repeated: number
  readonly isSameSet: boolean
}

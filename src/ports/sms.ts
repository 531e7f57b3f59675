/** Short messages to telephones. */
export interface Sms {
  /**
   * Resolves when the message was taken for delivery. Throws `SmsUnavailable` when it was not, or may not have been:
   * sending it again can then deliver it twice.
   */
  send(message: ShortMessage): Promise<void>
}

export interface ShortMessage {
  /** E.164, such as `+221770000001`. */
  readonly to: string
  /** Of the GSM 7-bit alphabet and at most 160 characters: anything else costs several messages. */
  readonly text: string
}

/** The message did not leave. Neither the error nor its cause holds the text, which may be a secret. */
export class SmsUnavailable extends Error {
  override readonly name = 'SmsUnavailable'

  constructor(options?: { cause?: unknown }) {
    super('the short message could not be sent', options)
  }
}

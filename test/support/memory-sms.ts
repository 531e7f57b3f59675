import { type ShortMessage, type Sms, SmsUnavailable } from '#src/ports/sms.ts'

/** Keeps what was sent, for tests to read codes from; passes the conformance suite of the port. */
export class MemorySms implements Sms {
  readonly sent: ShortMessage[] = []
  isFailing = false

  async send(message: ShortMessage): Promise<void> {
    if (this.isFailing) throw new SmsUnavailable()
    this.sent.push(message)
  }

  /** The six digits of the last message to this phone. Fails the test when there is none. */
  codeFor(phone: string): string {
    const code = /\b\d{6}\b/.exec(this.sent.findLast(({ to }) => to === phone)?.text ?? '')?.[0]
    if (code === undefined) throw new Error(`no code was sent to ${phone}`)
    return code
  }
}

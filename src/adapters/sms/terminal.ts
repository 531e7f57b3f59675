import { type Sms, SmsUnavailable } from '#src/ports/sms.ts'

/** Prints each message on a line of its own, for whoever tries the demo. Secrets are printed: for the embedded mode alone. */
export function terminalSms(output: NodeJS.WritableStream): Sms {
  return {
    async send({ to, text }) {
      if (!output.writable) throw new SmsUnavailable()
      output.write(`SMS to ${to}: ${text.replaceAll(/\s+/g, ' ')}\n`)
    },
  }
}

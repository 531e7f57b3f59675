import { BrokerRefused, type OutgoingMessage } from '#src/ports/broker.ts'

/** AMQP's short string, the type of routing keys, names and text properties. */
const LONGEST_SHORT_TEXT_BYTES = 255

/** @throws BrokerRefused for what AMQP cannot carry, so that a message never breaks the connection it would go out on */
export function checkLimits(message: OutgoingMessage): void {
  const { contentType, contentEncoding, correlationId, replyTo, expiration } = message.properties
  const texts = [message.exchange, message.routingKey, contentType, contentEncoding, correlationId, replyTo, expiration]
  if (texts.some((text) => text !== undefined && Buffer.byteLength(text) > LONGEST_SHORT_TEXT_BYTES)) {
    throw new BrokerRefused(502, `a property is longer than ${LONGEST_SHORT_TEXT_BYTES} bytes`)
  }
  if (expiration !== undefined && !/^\d+$/.test(expiration)) {
    throw new BrokerRefused(406, `expiration must be digits: ${expiration}`)
  }
}

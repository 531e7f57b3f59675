/** Unless the address says otherwise. A peer that is silent for two of these is taken for dead. */
const HEARTBEAT_S = 20

/** An address taken apart for the library, which would read a user or password in it as Latin-1. */
export interface RabbitmqAddress {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly username: string
  readonly password: string
  /** Still percent-encoded, as the library decodes this one itself. */
  readonly vhost: string
  readonly heartbeat: number
}

/**
 * @param url `amqp[s]://user:password@host[:port][/virtual host][?heartbeat=seconds]`, the parts percent-encoded
 * @throws Error that does not show the address, as it holds the password
 */
export function rabbitmqAddress(url: string): RabbitmqAddress {
  try {
    const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url)
    const heartbeat = Number(searchParams.get('heartbeat') ?? HEARTBEAT_S)
    if (!['amqp:', 'amqps:'].includes(protocol) || hostname === '' || !Number.isInteger(heartbeat)) throw new Error()
    return {
      protocol: protocol.slice(0, -1),
      hostname: hostname.replace(/^\[|\]$/g, ''),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      vhost: pathname.slice(1),
      heartbeat,
      ...(port === '' ? {} : { port: Number(port) }),
    }
  } catch {
    throw new Error('the address of RabbitMQ is not like amqp://user:password@host:port/virtual-host')
  }
}

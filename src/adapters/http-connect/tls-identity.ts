import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

/** How TLS is to make sure that it talks to `host`, by the authorities of `caPem` or else the system's. */
export function tlsIdentity(host: string, caPem: string | undefined): ConnectionOptions {
  // SNI carries names alone; an address is still checked against the certificate.
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return { ...servername, ...(caPem === undefined ? {} : { ca: caPem }) }
}

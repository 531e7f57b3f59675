import { SqlError } from '../sql-error.ts'
import type { Login } from './login.ts'
import { DEFAULT_PACKET_BYTES, LARGEST_PACKET_BYTES } from './packet.ts'
import * as tokens from './tokens.ts'

const SMALLEST_PACKET_BYTES = 512

/** The packet size that the client wants, within what the protocol allows; 0 leaves it to the server. */
export function agreedPacketBytes({ packetBytes }: Login): number {
  if (packetBytes === 0) return DEFAULT_PACKET_BYTES
  return Math.min(LARGEST_PACKET_BYTES, Math.max(SMALLEST_PACKET_BYTES, packetBytes))
}

/** The whole answer to a login that is right. */
export function welcome(login: Login, database: string, packetBytes: number): Buffer[] {
  return [
    tokens.databaseChange(database, ''),
    tokens.info(5701, `Changed database context to '${database}'.`),
    tokens.collationChange(),
    tokens.languageChange('us_english'),
    tokens.loginAck(login.tdsVersion),
    tokens.packetSizeChange(packetBytes, DEFAULT_PACKET_BYTES),
    tokens.done({ kind: 'statement' }),
  ]
}

export const loginFailed = (userName: string): SqlError =>
  new SqlError(18_456, `Login failed for user '${userName}'.`, { severity: 14 })

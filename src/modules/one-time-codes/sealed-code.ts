import { createHmac, hkdfSync, randomInt, timingSafeEqual } from 'node:crypto'

const DIGITS = 6

export function newCode(): string {
  return String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
}

/** The key of the hashes, made from the secret that signs tokens but good for nothing else. */
export function codeKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'samaconso one-time codes', 32))
}

/** Under a key, and with the row's id: neither a stolen database nor two equal codes tell anything. */
export function sealCode(key: Buffer, id: string, code: string): Buffer {
  return createHmac('sha256', key).update(`${id}:${code}`).digest()
}

/** Takes the same time for any code. */
export function opensSeal(key: Buffer, id: string, code: string, sealed: Buffer): boolean {
  return timingSafeEqual(sealCode(key, id, code), sealed)
}

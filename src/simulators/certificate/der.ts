/** The part of ASN.1 DER that an X.509 certificate is written in. Each function gives the whole encoded value. */

function encode(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content), content])
}

function lengthOf(content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.from([content.length])
  const hex = content.length.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

export const sequence = (...items: Buffer[]): Buffer => encode(0x30, Buffer.concat(items))
export const set = (...items: Buffer[]): Buffer => encode(0x31, Buffer.concat(items))
export const octetString = (content: Buffer): Buffer => encode(0x04, content)
export const utf8String = (text: string): Buffer => encode(0x0c, Buffer.from(text, 'utf8'))
export const boolean = (value: boolean): Buffer => encode(0x01, Buffer.from([value ? 0xff : 0]))

/** `unusedBits` of the last byte carry nothing: named bit lists drop their trailing zeros. */
export function bitString(content: Buffer, unusedBits = 0): Buffer {
  return encode(0x03, Buffer.concat([Buffer.from([unusedBits]), content]))
}

/** A non-negative integer, most significant byte first. A leading zero byte keeps the sign bit clear. */
export function unsignedInteger(magnitude: Buffer): Buffer {
  const firstNonZero = magnitude.findIndex((byte) => byte !== 0)
  const digits = firstNonZero === -1 ? Buffer.from([0]) : magnitude.subarray(firstNonZero)
  return encode(0x02, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Buffer.from([0]), digits]))
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return encode(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(arc: number): number[] {
  const groups = [arc & 0x7f]
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80)
  return groups
}

/** X.509 wants the two-digit UTCTime up to 2049 and GeneralizedTime from 2050 on. */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`
  return at.getUTCFullYear() < 2050 ? encode(0x17, Buffer.from(digits.slice(2))) : encode(0x18, Buffer.from(digits))
}

/** A context-specific tag around whole values (`explicit`) or in place of a primitive one's own (`implicit`). */
export const explicit = (tag: number, ...items: Buffer[]): Buffer => encode(0xa0 | tag, Buffer.concat(items))
export const implicit = (tag: number, content: Buffer): Buffer => encode(0x80 | tag, content)

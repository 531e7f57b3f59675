import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import * as der from './der.ts'

export interface Certificate {
  readonly certPem: string
  readonly keyPem: string
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
}

const DAY_MS = 86_400_000
/** Starts in the past, so that a client whose clock is behind still accepts it. */
const VALID_FROM_MS = -DAY_MS
const VALID_UNTIL_MS = 825 * DAY_MS

/**
 * A fresh self-signed P-256 certificate for the named hosts and addresses, the first being its common name.
 * It is its own authority (CA:TRUE): a client trusts a simulator by taking `certPem` as its CA file.
 * @param options.hosts DNS names and IP addresses, at least one
 */
export function makeCertificate(options: { hosts: string[] }): Certificate {
  const [commonName] = options.hosts
  if (commonName === undefined) throw new TypeError('A certificate needs at least one host.')
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const toBeSigned = describe(commonName, options.hosts, publicKey)
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = der.sequence(toBeSigned, signatureAlgorithm(), der.bitString(signature))
  return {
    certPem: toPem('CERTIFICATE', certificate),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function describe(commonName: string, hosts: string[], publicKey: KeyObject): Buffer {
  const now = Date.now()
  const subjectPublicKeyInfo = publicKey.export({ type: 'spki', format: 'der' })
  const issuerAndSubject = der.sequence(
    der.set(der.sequence(der.objectIdentifier(OID.commonName), der.utf8String(commonName))),
  )
  const version3 = der.unsignedInteger(Buffer.from([2]))
  return der.sequence(
    der.explicit(0, version3),
    der.unsignedInteger(randomBytes(16)),
    signatureAlgorithm(),
    issuerAndSubject,
    der.sequence(der.time(new Date(now + VALID_FROM_MS)), der.time(new Date(now + VALID_UNTIL_MS))),
    issuerAndSubject,
    subjectPublicKeyInfo,
    der.explicit(3, der.sequence(...extensions(hosts, subjectPublicKeyInfo))),
  )
}

function signatureAlgorithm(): Buffer {
  return der.sequence(der.objectIdentifier(OID.ecdsaWithSha256))
}

function extensions(hosts: string[], subjectPublicKeyInfo: Buffer): Buffer[] {
  // digitalSignature (bit 0) for TLS and keyCertSign (bit 5) for signing itself; bits 6 and 7 are not there.
  const keyUsage = der.bitString(Buffer.from([0b1000_0100]), 2)
  const keyIdentifier = createHash('sha1').update(subjectPublicKeyInfo).digest()
  return [
    extension(OID.basicConstraints, der.sequence(der.boolean(true)), true),
    extension(OID.keyUsage, keyUsage, true),
    extension(OID.extendedKeyUsage, der.sequence(der.objectIdentifier(OID.serverAuth)), false),
    extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifier), false),
    extension(OID.subjectAltName, der.sequence(...hosts.map(generalName)), false),
  ]
}

function extension(oid: string, value: Buffer, critical: boolean): Buffer {
  const criticality = critical ? [der.boolean(true)] : []
  return der.sequence(der.objectIdentifier(oid), ...criticality, der.octetString(value))
}

function generalName(host: string): Buffer {
  if (isIPv4(host)) return der.implicit(7, Buffer.from(host.split('.').map(Number)))
  if (isIPv6(host)) return der.implicit(7, ipv6Bytes(host))
  return der.implicit(2, Buffer.from(host, 'ascii'))
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser normalises every spelling, a dotted tail included, to groups of hexadecimal digits.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function toPem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

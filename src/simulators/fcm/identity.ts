import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from '../certificate/certificate.ts'

export const PROJECT_ID = 'samaconso-demo'
export const CLIENT_EMAIL = `simulator@${PROJECT_ID}.iam.gserviceaccount.com`

/** The key file's part that outlives restarts. */
interface ServiceKey {
  readonly privateKeyPem: string
  readonly keyId: string
}

export interface ServiceAccount {
  readonly credentialsFile: string
  readonly projectId: string
  readonly clientEmail: string
  readonly keyId: string
  readonly publicKey: KeyObject
  readonly tokenUri: string
}

export interface ServerCertificate {
  readonly caFile: string
  readonly certPem: string
  readonly keyPem: string
}

/** A certificate about to expire is replaced at the start rather than while clients rely on it. */
const RENEW_BEFORE_MS = 30 * 86_400_000

/** Reuses the certificate in `dir` while it is good for `host`, so that a client's CA file stays valid. */
export function serverCertificate(dir: string, host: string): ServerCertificate {
  const caFile = join(dir, 'ca.pem')
  const keyFile = join(dir, 'tls-key.pem')
  const certPem = readIfThere(caFile)
  const keyPem = readIfThere(keyFile)
  if (certPem !== undefined && keyPem !== undefined && isUsable(certPem, keyPem, host))
    return { caFile, certPem, keyPem }
  const made = makeCertificate({ hosts: [...new Set([host, 'localhost', '127.0.0.1', '::1'])] })
  writePrivate(keyFile, made.keyPem)
  writePrivate(caFile, made.certPem)
  return { caFile, ...made }
}

/** Writes the service-account file for a client: its key is kept from the last start, its addresses are of this one. */
export function serviceAccount(dir: string, baseUrl: string): ServiceAccount {
  const credentialsFile = join(dir, 'service-account.json')
  const key = keptKey(credentialsFile) ?? newKey()
  const tokenUri = `${baseUrl}/token`
  const account = {
    type: 'service_account',
    project_id: PROJECT_ID,
    private_key_id: key.keyId,
    private_key: key.privateKeyPem,
    client_email: CLIENT_EMAIL,
    client_id: '100000000000000000001',
    auth_uri: `${baseUrl}/o/oauth2/auth`,
    token_uri: tokenUri,
    universe_domain: 'googleapis.com',
  }
  writePrivate(credentialsFile, `${JSON.stringify(account, null, 2)}\n`)
  const publicKey = createPublicKey(key.privateKeyPem)
  return { credentialsFile, projectId: PROJECT_ID, clientEmail: CLIENT_EMAIL, keyId: key.keyId, publicKey, tokenUri }
}

function newKey(): ServiceKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { privateKeyPem, keyId: randomBytes(20).toString('hex') }
}

function keptKey(credentialsFile: string): ServiceKey | undefined {
  try {
    const kept = JSON.parse(readFileSync(credentialsFile, 'utf8')) as Record<string, unknown>
    const { private_key: privateKeyPem, private_key_id: keyId } = kept
    if (typeof privateKeyPem !== 'string' || typeof keyId !== 'string') return undefined
    return createPrivateKey(privateKeyPem).asymmetricKeyType === 'rsa' ? { privateKeyPem, keyId } : undefined
  } catch {
    // Absent, or damaged by a crash: a simulator's key can be made anew.
    return undefined
  }
}

function isUsable(certPem: string, keyPem: string, host: string): boolean {
  try {
    const certificate = new X509Certificate(certPem)
    const named = certificate.checkHost(host) ?? certificate.checkIP(host)
    const lasts = certificate.validToDate.getTime() - Date.now() > RENEW_BEFORE_MS
    return named !== undefined && lasts && certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Written aside and renamed, so that a client never reads half a key. */
function writePrivate(file: string, content: string): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  const aside = `${file}.${process.pid}.new`
  writeFileSync(aside, content, { mode: 0o600 })
  chmodSync(aside, 0o600)
  renameSync(aside, file)
}

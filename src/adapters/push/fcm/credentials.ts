import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { PushGatewayUnusable } from '#src/ports/push-gateway.ts'

/** What is needed of a Google service account's key file. */
export interface FcmCredentials {
  readonly projectId: string
  readonly clientEmail: string
  readonly keyId: string | undefined
  readonly privateKey: KeyObject
  readonly tokenUri: URL
}

/** @throws PushGatewayUnusable naming what is wrong with the file, never what is in it */
export function readCredentials(file: string): FcmCredentials {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new PushGatewayUnusable('credentials', `the service-account file cannot be read (${code})`)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's own message quotes the file.
    throw new PushGatewayUnusable('credentials', 'the service-account file is not JSON')
  }
  return parseCredentials(json)
}

/** @param json a parsed service-account file */
export function parseCredentials(json: unknown): FcmCredentials {
  const account = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  const text = (field: string): string => {
    const value = account[field]
    if (typeof value === 'string' && value !== '') return value
    throw new PushGatewayUnusable('credentials', `the service account has no ${field}`)
  }
  const keyId = account['private_key_id']
  return {
    projectId: text('project_id'),
    clientEmail: text('client_email'),
    keyId: typeof keyId === 'string' ? keyId : undefined,
    privateKey: parseKey(text('private_key')),
    tokenUri: parseTokenUri(text('token_uri')),
  }
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    key = undefined
  }
  if (key?.asymmetricKeyType === 'rsa') return key
  throw new PushGatewayUnusable('credentials', "the service account's private_key is not an RSA key in PEM")
}

function parseTokenUri(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'https:') return url
  throw new PushGatewayUnusable('credentials', "the service account's token_uri is not an https address")
}

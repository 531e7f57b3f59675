import { randomUUID } from 'node:crypto'
import type { Db } from '#src/database/database.ts'
import { createStaff } from '#src/modules/accounts/create-account.ts'
import { accessTokens } from '#src/modules/accounts/tokens.ts'

type SignToken = (accountId: string, role: 'customer' | 'service' | 'admin') => string

/** Access tokens as a login gives them: a thousand logins would take longer than the benchmark. */
export function tokenSigner(jwtSecret: string): SignToken {
  const neverRevoked = { has: () => false }
  const tokens = accessTokens(jwtSecret, neverRevoked, Date.now)
  return (accountId, role) => tokens.sign({ accountId, sessionId: randomUUID(), role })
}

/** Of a program that may send notifications. */
export async function serviceToken(db: Db, tokenOf: SignToken): Promise<string> {
  const service = { login: 'bench.service', password: randomUUID(), role: 'service' as const }
  return tokenOf(await createStaff(db, service), 'service')
}

/** A new token of one admin at each call: what runs for long outlives one. */
export async function adminTokens(db: Db, tokenOf: SignToken): Promise<() => string> {
  const id = await createStaff(db, { login: 'bench.admin', password: randomUUID(), role: 'admin' })
  return () => tokenOf(id, 'admin')
}

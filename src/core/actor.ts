/** Who acts: always the subject of a verified token, never a name from a path or a body. */
export interface Actor {
  readonly accountId: string
  readonly sessionId: string
  readonly role: 'customer' | 'agent' | 'admin' | 'service'
}

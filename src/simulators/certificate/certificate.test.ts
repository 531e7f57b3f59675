import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { makeCertificate } from './certificate.ts'

test('a certificate is signed by its own key and names its hosts', () => {
  const { certPem, keyPem } = makeCertificate({ hosts: ['localhost', '127.0.0.1', '::1'] })
  const certificate = new X509Certificate(certPem)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)))
  assert.equal(certificate.ca, true)
  assert.equal(certificate.subject, 'CN=localhost')
  assert.equal(certificate.checkHost('localhost'), 'localhost')
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(certificate.checkIP('::1'), '::1')
  assert.equal(certificate.checkHost('elsewhere.example'), undefined)
})

test('a certificate is valid now', () => {
  const certificate = new X509Certificate(makeCertificate({ hosts: ['localhost'] }).certPem)
  assert.ok(Date.parse(certificate.validFrom) < Date.now())
  assert.ok(Date.parse(certificate.validTo) > Date.now())
})

test('two certificates share neither serial number nor key', () => {
  const [first, second] = [makeCertificate({ hosts: ['localhost'] }), makeCertificate({ hosts: ['localhost'] })]
  assert.notEqual(new X509Certificate(first.certPem).serialNumber, new X509Certificate(second.certPem).serialNumber)
  assert.notEqual(first.keyPem, second.keyPem)
})

test('no host is refused', () => {
  assert.throws(() => makeCertificate({ hosts: [] }), TypeError)
})

test('a verifying client accepts it as its CA file, and refuses it without', async () => {
  const { certPem, keyPem } = makeCertificate({ hosts: ['localhost', '127.0.0.1'] })
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => socket.end('hello'))
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const trusting = connect({ port, host: '127.0.0.1', ca: certPem })
    await once(trusting, 'secureConnect')
    assert.equal(trusting.authorized, true)
    trusting.destroy()
    const distrusting = connect({ port, host: '127.0.0.1' })
    const [error] = (await once(distrusting, 'error')) as [{ code?: string }]
    assert.equal(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  } finally {
    server.close()
  }
})

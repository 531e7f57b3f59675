/** A GET request as it goes over the wire. */
export function getRequest({ path, token }: { readonly path: string; readonly token: string | undefined }): string {
  const lines = [`GET ${path} HTTP/1.1`, 'host: 127.0.0.1', 'accept: application/json', 'connection: keep-alive']
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Names whose values stay hidden, in JSON, in Python's way of writing it, and in JSON inside JSON. */
const NAMES = String.raw`[\w-]*(?:password|passwd|secret|token|authorization|api_?key|credential|cookie)[\w-]*|pin|push_fid`
const NAMED_SECRET = new RegExp(
  String.raw`(\\*["'](?:${NAMES})\\*["']\s*:\s*)((\\*["'])(?:(?!\3)[\s\S])*(?:\3)?|[^\s,}\]]+)`,
  'gi',
)
const PASSWORD_IN_ADDRESS = /(:\/\/[^\s:/@]*:)[^\s@]+@/g
/** What would move the cursor or colour the terminal of whoever looks; also what stands for bytes that are no UTF-8. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFD]/gu
/** Enough to find where a secret starts, without a search through megabytes. */
const LOOKED_AT_BYTES = 64 * 1024

/** The beginning of a message's body on one line, at most `length` characters, without secrets. */
export function bodyForEyes(body: Buffer, length: number): string {
  const text = textForEyes(body.toString('utf8', 0, LOOKED_AT_BYTES))
  const isCut = text.length > length || body.length > LOOKED_AT_BYTES
  return isCut ? `${text.slice(0, Math.max(0, length - 1))}…` : text
}

export function textForEyes(text: string): string {
  return text.replace(NAMED_SECRET, '$1"…"').replace(PASSWORD_IN_ADDRESS, '$1…@').replace(UNPRINTABLE, '·')
}

/** The code page of French_CI_AS, in which varchar travels. */

const decoder = new TextDecoder('windows-1252')
const byteOf = new Map(Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]))
const QUESTION_MARK = 0x3f

export const decodeWindows1252 = (bytes: Uint8Array): string => decoder.decode(bytes)

/** A character outside of the code page becomes a question mark, as SQL Server makes it. */
export function encodeWindows1252(text: string): Buffer {
  return Buffer.from(Array.from(text, (character) => byteOf.get(character) ?? QUESTION_MARK))
}

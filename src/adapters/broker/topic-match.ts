/**
 * AMQP's topic rule: both sides are words with dots between; in the pattern `*` is exactly one word, `#` any number of
 * them, none included. Linear in pattern × key, whatever the number of `#`.
 */
export function topicMatches(pattern: string, routingKey: string): boolean {
  const words = routingKey === '' ? [] : routingKey.split('.')
  const parts = pattern === '' ? [] : pattern.split('.')
  /** matched[n]: the parts so far can stand for the first n words. */
  let matched = [true, ...words.map(() => false)]
  for (const part of parts) {
    const next: boolean[] = []
    for (let n = 0; n <= words.length; n += 1) {
      const oneMore = n > 0 && matched[n - 1] === true && (part === '*' || part === words[n - 1])
      const anyMore = part === '#' && (matched[n] === true || (n > 0 && next[n - 1] === true))
      next.push(part === '#' ? anyMore : oneMore)
    }
    matched = next
  }
  return matched.at(-1) === true
}

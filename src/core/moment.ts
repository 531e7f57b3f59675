import { channel } from 'node:diagnostics_channel'

/**
 * A named moment in the life of a piece of work, such as `page.pushed`. The returned function says that it has come, on
 * the diagnostics channel `samaconso:NAME`: whoever listens may look in, as crash tests do to end the process right
 * there. It costs nothing while nobody listens, and never fails.
 */
export function moment(name: string): () => void {
  const listened = channel(`samaconso:${name}`)
  return () => {
    if (listened.hasSubscribers) listened.publish(name)
  }
}

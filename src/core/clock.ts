/** The time now, in milliseconds since 1970 UTC. Code that waits or expires takes one, so that tests can move it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

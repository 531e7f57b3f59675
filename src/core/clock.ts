/** The time now, in milliseconds since 1970 UTC. Code that waits or expires takes one, so that tests can move it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

/**
 * Milliseconds since a moment that means nothing. It measures how long something takes, and nothing else: setting the
 * time of day, which may go back, neither lengthens nor ends what it measures.
 */
export type SteadyClock = () => number

export const steadyClock: SteadyClock = () => performance.now()

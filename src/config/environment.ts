import type { Env } from '#src/config/load.ts'

/** The environment of this process, read nowhere else. */
export const environment: Env = process.env

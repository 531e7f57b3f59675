/** A session that ended is remembered for as long: by then no access token of it is good any more. */
export const ACCESS_TOKEN_SECONDS = 15 * 60
/** From its last use; each use gives a new one. */
export const REFRESH_TOKEN_SECONDS = 30 * 24 * 60 * 60

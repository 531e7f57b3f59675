// canary: none
export const storesNothing = true

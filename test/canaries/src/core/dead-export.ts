// canary: dead-code nobodyAsks
export const asked = 1
export const nobodyAsks = 2

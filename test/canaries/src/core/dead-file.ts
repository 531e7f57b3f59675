// canary: dead-code dead-file.ts
export const alone = 1

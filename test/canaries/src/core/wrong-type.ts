// canary: types TS2322
export const text: string = 1

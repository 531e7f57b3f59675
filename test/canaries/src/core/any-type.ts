// canary: lint no-explicit-any
export const anything = (value: any): boolean => Boolean(value)

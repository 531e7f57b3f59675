// canary: types TS1294
export enum Direction {
  North,
}

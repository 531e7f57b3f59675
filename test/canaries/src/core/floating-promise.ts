// canary: lint no-floating-promises
async function save(): Promise<void> {}

export function forget(): void {
  save()
}

/** Enough to recognise a number that one knows, too little to learn it: `+221 77 ••• •• 12`. */
export function maskPhone(phone: string): string {
  return `${phone.slice(0, 4)} ${phone.slice(4, 6)} ••• •• ${phone.slice(-2)}`
}

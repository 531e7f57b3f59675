export interface LeaseTable {
  name: string
  holder: string
  until: Date
}

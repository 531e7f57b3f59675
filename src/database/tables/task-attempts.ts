export interface TaskAttemptTable {
  task_id: string
  starts: number
  last_started_at: Date
}

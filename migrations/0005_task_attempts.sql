-- Redelivered tasks that were started and have not ended: each row is a suspicion that its task ends the worker that
-- runs it. Gone when the task ends, however it ends.

create table task_attempt (
  task_id text primary key,
  starts integer not null check (starts > 0),
  last_started_at timestamptz(3) not null
);
create index task_attempt_age on task_attempt (last_started_at);

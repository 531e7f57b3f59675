-- Notifications, who is told, what became of each push, and the tasks that wait for the broker.

create table notification (
  id uuid primary key,
  sender_id uuid references account on delete set null,
  type text not null,
  title text not null,
  body text not null,
  data jsonb not null,
  priority text not null check (priority in ('urgent', 'high', 'normal', 'low')),
  -- As it was asked for; of a list of users only how many. Who that was stands in notification_recipient.
  audience jsonb not null,
  task_id uuid not null,
  state text not null check (state in ('queued', 'sending', 'done', 'cancelled')),
  recipients integer not null check (recipients >= 0),
  -- How many devices the fan-out found; in the end, how many were tried.
  devices integer,
  -- Every device was tried once, or stands in a chunk.
  fanned_out_at timestamptz(3),
  queued_at timestamptz(3) not null,
  first_sent_at timestamptz(3),
  done_at timestamptz(3),
  constraint notification_done_has_time check ((state = 'done') = (done_at is not null))
);
create index notification_unfinished on notification (queued_at) where state in ('queued', 'sending');
create index notification_sender on notification (sender_id);

create table notification_recipient (
  notification_id uuid not null references notification on delete cascade,
  account_id uuid not null references account on delete cascade,
  -- The notification's own: the inbox pages by it without a look at the notifications.
  queued_at timestamptz(3) not null,
  read_at timestamptz(3),
  primary key (notification_id, account_id)
);
create index notification_inbox on notification_recipient (account_id, queued_at desc, notification_id desc);
create index notification_unread on notification_recipient (account_id) where read_at is null;

-- A large audience is sent in chunks, each a task of its own: the recipients with after_account < account <= through_account.
create table notification_chunk (
  notification_id uuid not null references notification on delete cascade,
  number integer not null,
  after_account uuid not null,
  through_account uuid not null,
  done_at timestamptz(3),
  primary key (notification_id, number)
);

create table delivery (
  notification_id uuid not null references notification on delete cascade,
  -- No foreign key: a device that goes must not change what was counted.
  device_id uuid not null,
  state text not null check (state in ('pending', 'sent', 'failed', 'dead', 'retrying')),
  attempts smallint not null check (attempts > 0),
  first_tried_at timestamptz(3) not null,
  -- Pending: when whoever is sending it counts as crashed. Retrying: the earliest next attempt.
  next_attempt_at timestamptz(3),
  provider_id text,
  reason text,
  maybe_duplicate boolean not null default false,
  updated_at timestamptz(3) not null,
  primary key (notification_id, device_id),
  constraint delivery_open_has_next check ((state in ('pending', 'retrying')) = (next_attempt_at is not null))
);
create index delivery_open on delivery (notification_id, next_attempt_at) where state in ('pending', 'retrying');

-- A target that was refused in a way that a mistake of ours looks like too. It is not used until its app reports
-- in again, and can be used again at once by deleting the row.
create table target_quarantine (
  device_id uuid primary key references device on delete cascade,
  target text not null,
  reason text not null,
  since timestamptz not null
);

-- Tasks that were promised in a transaction and that the broker has not confirmed yet.
create table outbox (
  -- What the task is for: the same work is queued once.
  key text primary key,
  task_id uuid not null,
  task text not null,
  queue text not null,
  priority smallint not null,
  kwargs jsonb not null,
  not_before timestamptz(3) not null,
  created_at timestamptz not null default now()
);
create index outbox_due on outbox (not_before);

-- The answer that was given to an Idempotency-Key, in the transaction that did the work.
create table idempotency_key (
  account_id uuid not null references account on delete cascade,
  key text not null check (length(key) between 1 and 255),
  body_hash bytea not null,
  status smallint not null,
  answer jsonb not null,
  created_at timestamptz not null,
  primary key (account_id, key)
);
create index idempotency_key_age on idempotency_key (created_at);

-- Broadcasts, sending at a set time, cancelling, and chunks that go on where a dead worker was.

alter table notification
  -- Its recipients are not listed: they are everyone, or the customers of this agency.
  add column is_broadcast boolean not null default false,
  add column agency_id uuid references agency,
  -- From when on it is in the inbox: when it was accepted, or its send_at.
  add column visible_at timestamptz(3),
  add column expires_at timestamptz(3),
  -- The fan-out has cut the recipients up to this account into chunks.
  add column fanned_out_through uuid,
  add column cancelled_at timestamptz(3),
  add column cancelled_by uuid references account on delete set null;
update notification set visible_at = queued_at;
alter table notification
  alter column visible_at set not null,
  add constraint notification_cancelled_has_time check ((state = 'cancelled') = (cancelled_at is not null)),
  drop column devices;
create index notification_broadcast on notification (visible_at desc, id desc) where is_broadcast;

alter table notification_recipient rename column queued_at to visible_at;

-- Who has read a broadcast. What is addressed to a few has its read_at in notification_recipient.
create table notification_receipt (
  account_id uuid not null references account on delete cascade,
  notification_id uuid not null references notification on delete cascade,
  read_at timestamptz(3) not null,
  primary key (account_id, notification_id)
);
create index notification_receipt_notification on notification_receipt (notification_id);

alter table notification_chunk
  add column recipients integer not null default 0,
  add column devices integer not null default 0,
  -- Outcomes are recorded of the accounts up to this one, exclusive of what came before the chunk.
  add column settled_through uuid,
  -- Whoever holds the lease may be sending to the accounts after settled_through, up to this one.
  add column sending_through uuid,
  -- Goes up with each holder: what an earlier one reports is not taken.
  add column lease integer not null default 0,
  add column leased_until timestamptz(3),
  -- Devices that have no row in delivery: sent at the first attempt, of a broadcast; not wanted by their owner; or
  -- not tried because the notification had expired.
  add column sent integer not null default 0,
  add column muted integer not null default 0,
  add column expired integer not null default 0;
update notification_chunk set settled_through = after_account;
alter table notification_chunk alter column settled_through set not null;
create index notification_chunk_open on notification_chunk (notification_id) where done_at is null;

-- Held: the owner's quiet hours end at next_attempt_at.
alter table delivery
  drop constraint delivery_state_check,
  drop constraint delivery_open_has_next,
  drop constraint delivery_attempts_check,
  add constraint delivery_state_check check (state in ('pending', 'sent', 'failed', 'dead', 'retrying', 'held')),
  add constraint delivery_open_has_next
    check ((state in ('pending', 'retrying', 'held')) = (next_attempt_at is not null)),
  add constraint delivery_attempts_check check (attempts > 0 or state in ('held', 'failed'));
drop index delivery_open;
create index delivery_open on delivery (notification_id, next_attempt_at)
  where state in ('pending', 'retrying', 'held');
-- For what counts outcomes of late, and for what forgets old ones.
create index delivery_updated on delivery (updated_at);

-- Everyone, in the order in which a broadcast goes through them.
create index account_customer on account (id) where role = 'customer' and disabled_at is null;

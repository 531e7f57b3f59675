-- Outcomes of pushes that were never tried, and the sums of outcomes that are forgotten for their age.

-- Expired: it waited for its first attempt, and its notification's time was over before.
alter table delivery
  drop constraint delivery_state_check,
  add constraint delivery_state_check
    check (state in ('pending', 'sent', 'failed', 'dead', 'retrying', 'held', 'expired'));

-- How many rows of delivery in each state are gone, so that a notification's counts stay what they were.
create table delivery_tally (
  notification_id uuid not null references notification on delete cascade,
  state text not null,
  devices integer not null check (devices > 0),
  primary key (notification_id, state)
);

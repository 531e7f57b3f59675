-- What each account sees in its inbox, found by key however many accounts and broadcasts there are.

-- In the order of the inbox: for the list of what is unread, as well as for its count.
drop index notification_unread;
create index notification_unread on notification_recipient (account_id, visible_at desc, notification_id desc)
  where read_at is null;

-- The broadcasts of one audience; a null agency_id is everyone. Without those that were cancelled before they began.
create index notification_broadcast_shown on notification (agency_id, visible_at desc, id desc)
  where is_broadcast and (
    state <> 'cancelled' or first_sent_at is not null or fanned_out_through is not null or fanned_out_at is not null
  );
create index notification_withdrawn on notification (id)
  where state = 'cancelled' and first_sent_at is null and fanned_out_through is null and fanned_out_at is null;

-- For what forgets old ones.
create index notification_visible on notification (visible_at);

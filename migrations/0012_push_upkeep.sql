-- Who still has a push target, and was not seen for longest.
create index device_seen on device (last_seen_at) where target is not null;

-- For what counts the pushes of late.
create index notification_chunk_done on notification_chunk (done_at) where done_at is not null;

-- Who still has a push target, and was not seen for longest.
create index device_seen on device (last_seen_at) where target is not null;

-- For what counts the pushes of late, and those that wait for another attempt.
create index notification_chunk_done on notification_chunk (done_at) where done_at is not null;
-- Few, where those that are held over a night are many.
create index delivery_retrying on delivery (updated_at) where state = 'retrying';

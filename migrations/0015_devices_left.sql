-- Devices of a chunk that have no outcome yet, as whoever took it last has found them, less those recorded since: what
-- comes or goes between two holders is counted as it is then.
alter table notification_chunk rename column devices to devices_left;
update notification_chunk set devices_left = 0 where done_at is not null;

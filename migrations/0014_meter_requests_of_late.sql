-- Requests are limited by how many an account has made of late, those that were taken back included.

drop index meter_link_asked_by;
create index meter_link_asked_by on meter_link (account_id, asked_at) where state <> 'accepted';

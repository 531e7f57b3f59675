-- The nightly refresh reads the stalest meter first. One that nobody has looked at for long is idle: out of its line,
-- which would otherwise begin with all of them, until it is read again because somebody looks.
alter table meter_reading_state add column is_idle boolean not null default false;
create index meter_reading_state_line on meter_reading_state (read_at, meter_id) where not is_idle;

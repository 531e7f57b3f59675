-- Which process has the turn at what only one may do at a time, and until when it is believed to live.
create table lease (
  name text primary key,
  holder uuid not null,
  until timestamptz not null
);

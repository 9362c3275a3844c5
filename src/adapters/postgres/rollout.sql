-- Rolling deployments. Their events are events of the run; here is only what others than the driver may write.

create table bellows.rollout_request (
  seq bigint generated always as identity primary key,
  run bigint not null references bellows.run,
  at timestamptz not null default clock_timestamp(),
  by_role text not null default session_user,
  request text not null check (request in ('pause', 'resume', 'abort'))
);
create index rollout_request_of_run on bellows.rollout_request (run, seq);
create index rollout_ends on bellows.event (seq)
  where event #>> '{event,kind}' in ('rollout_started', 'ended');

-- One after the other, so that they become visible in the order of their numbers: the driver asks only for what is behind the
-- last one that it heard.
create function bellows.ask_rollout(run bigint, request text) returns bigint language plpgsql as $$
declare
  asked bigint;
begin
  lock table bellows.rollout_request in share row exclusive mode;
  insert into bellows.rollout_request (run, request) values (ask_rollout.run, ask_rollout.request) returning seq into asked;
  return asked;
end $$;
revoke execute on function bellows.ask_rollout(bigint, text) from public;

-- Webhooks that say too little. A webhook names a response, and nothing else: whose it is, only the response itself says, in its
-- metadata, if nobody has recorded its id. OpenAI may be unable to show it at that moment, and sends no second webhook. So the
-- id stays here, and the poll asks for the response until it can be read: soon at first, then rarely. A job that waits for it waits
-- until its background budget ends; one that is held for review since then learns from it what was done.

create table durable_responses.unread_webhooks (
  response_id text primary key,
  reported_at timestamptz not null,
  due timestamptz not null
);
create index unread_webhooks_due on durable_responses.unread_webhooks (due);
comment on index durable_responses.unread_webhooks_due is 'Which responses are asked for next.';
comment on table durable_responses.unread_webhooks is
  'Responses that a webhook has reported, and that could not be read: each may be the one that a job waits for. A row is deleted when the response has been read, or after a day. It names no job, and no owner.';
comment on column durable_responses.unread_webhooks.response_id is 'The id in the webhook.';
comment on column durable_responses.unread_webhooks.reported_at is 'When the webhook came.';
comment on column durable_responses.unread_webhooks.due is 'When to ask for the response next.';
alter table durable_responses.unread_webhooks enable row level security;
revoke all on durable_responses.unread_webhooks from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.unread_webhooks to service_role;

create function public.keep_unread_webhook(p_response_id text, p_is_unknown boolean) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  if p_is_unknown and not exists (select from durable_responses.waits where status = 'background' and not ready and response_id is null)
    and not exists (select from durable_responses.waits where status = 'running' and not ready and continuing)
  then
    return false;
  end if;
  insert into durable_responses.unread_webhooks (response_id, reported_at, due)
  values (p_response_id, v_now, v_now + interval '30 seconds')
  on conflict (response_id) do nothing;
  return true;
end;
$$;
comment on function public.keep_unread_webhook(text, boolean) is
  'The response of a webhook cannot be read now: it is asked for again. p_is_unknown: OpenAI says that there is none. Then it is somebody else''s, unless a job waits, or may come to wait, for a response whose id nobody has recorded. Returns whether it is asked for again.';

create function public.forget_unread_webhook(p_response_id text) returns void
language plpgsql set search_path = ''
as $$
begin
  delete from durable_responses.unread_webhooks where response_id = p_response_id;
end;
$$;
comment on function public.forget_unread_webhook(text) is 'The response of a webhook has been read.';

create function durable_responses.claim_unread_webhooks(p_limit integer) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  with next as materialized (
    select response_id from durable_responses.unread_webhooks
    where due <= v_now order by due limit p_limit for update skip locked
  ), too_old as (
    delete from durable_responses.unread_webhooks u using next
    where u.response_id = next.response_id and u.reported_at <= v_now - interval '1 day'
  ), claimed as (
    update durable_responses.unread_webhooks u set
      due = least(v_now + greatest(interval '30 seconds', (v_now - u.reported_at) / 4), u.reported_at + interval '1 day')
    from next where u.response_id = next.response_id and u.reported_at > v_now - interval '1 day'
    returning u.response_id
  )
  select jsonb_agg(response_id) into v_claimed from claimed;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function durable_responses.claim_unread_webhooks(integer) is
  'The ids of responses to ask for now: each again after 30 s, or a quarter of the time since its webhook, for a day.';

revoke execute on function public.keep_unread_webhook(text, boolean), public.forget_unread_webhook(text),
  durable_responses.claim_unread_webhooks(integer) from public, anon, authenticated;
grant execute on function public.keep_unread_webhook(text, boolean), public.forget_unread_webhook(text),
  durable_responses.claim_unread_webhooks(integer) to service_role;

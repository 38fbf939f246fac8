-- A job as the OpenAI-compatible endpoint shows it (POST /respond/v1/responses and below).

create function public.get_response_record(
  p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false,
  p_after integer default 0, p_with_input boolean default false
) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, false);
begin
  return durable_responses.job_view(v_job)
    || jsonb_build_object(
      'model', v_job.request ->> 'model',
      -- In the order in which they finished: a call that is shown keeps its place, whatever finishes later.
      'calls', (
        select coalesce(jsonb_agg(c.item order by c.finished_at, c.number), '[]'::jsonb)
        from (
          select s.finished_at, s.number, coalesce(s.item, jsonb_build_object(
            'type', 'mcp_call', 'id', s.item_id, 'server_label', s.server_label, 'name', s.tool,
            'arguments', coalesce(s.arguments, '{}'), 'output', s.output, 'error', s.error
          )) as item
          from public.response_steps s
          where s.job_id = v_job.id and s.kind = 'mcp_call' and s.status in ('finished', 'failed')
          order by s.finished_at, s.number
          offset p_after
        ) c
      )
    )
    || case when p_with_input
      then jsonb_build_object('input', coalesce(v_job.input, v_job.request -> 'input'))
      else '{}'::jsonb
    end;
end;
$$;
comment on function public.get_response_record(uuid, uuid, boolean, integer, boolean) is
  'One job as its owner may see it, with model (of a whole request), calls (finished tool calls as items, in the order they finished, less the first p_after) and, on request, input.';

revoke all on function public.get_response_record(uuid, uuid, boolean, integer, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.get_response_record(uuid, uuid, boolean, integer, boolean)
to service_role;

/** The caller's own input in a request that continues after earlier runs: without the yeses that they may have used. */
import { callSchema } from "../model/items.ts";
import type { DoneStep } from "../model/job.ts";
import type { InputItem, RequestBody } from "../model/request.ts";
import { callKey } from "../tools/step-of-item.ts";
import { openYesesOf } from "../tools/unapproved-calls.ts";

/**
 * OpenAI acts on each yes that no call uses. So a yes of the caller's whose call was made, or may have been, is sent again only
 * beside that call's item. Otherwise it is left out with its request: if there is more to do, the model asks again.
 * @param carried the items of earlier runs that the request has, too
 */
export function askedAgain(
  body: RequestBody,
  steps: DoneStep[],
  carried: InputItem[],
): InputItem[] {
  const { input = [] } = body;
  if (typeof input === "string") return [{ role: "user", content: input }];
  const beside = new Set(carried.map(({ approval_request_id: named }) => named));
  const open = openYesesOf(body);
  const used = new Set(
    [...open].filter((id) => !beside.has(id) && mayBeUsed(id, requestOf(id, input), steps, open)),
  );
  return used.size === 0
    ? input
    : input.filter((item) =>
      !(item.type === "mcp_approval_request" && used.has(item["id"])) &&
      !(item.type === "mcp_approval_response" && used.has(item["approval_request_id"]))
    );
}

function requestOf(id: unknown, input: InputItem[]): InputItem | undefined {
  return input.findLast((item) => item.type === "mcp_approval_request" && item["id"] === id);
}

/** Whether a yes was used, as far as the ledger knows: by a call that names it, or one that names none that we know. */
function mayBeUsed(
  id: unknown,
  request: InputItem | undefined,
  steps: DoneStep[],
  open: ReadonlySet<unknown>,
): boolean {
  const asked = new Set(
    steps.map(({ kind, item }) => kind === "mcp_approval_request" && item?.["id"]),
  );
  const about = request && callSchema.parse(request);
  const key = about && callKey(about.server_label, about.name, about.arguments);
  return steps.some(({ kind, item, effect, server_label, tool, call_key }) => {
    // A person has said that a run did what it was asked; nobody knows with which yes.
    if (kind === "unguarded_run") return true;
    if (kind !== "mcp_call") return false;
    const named = item?.["approval_request_id"];
    // Ids may be mixed up: arguments say which yes it was.
    if (named === id || call_key !== null && call_key === key) return true;
    if (open.has(named) || asked.has(named)) return false;
    // A gateway may have renamed it.
    if (effect === "once") return true;
    return about === undefined || about.server_label === server_label && about.name === tool;
  });
}

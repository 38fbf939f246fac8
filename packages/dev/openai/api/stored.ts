import { z } from "zod";
import { invalid, responseNotFound } from "../errors.ts";
import { selectFaults } from "../faults/select.ts";
import { queryOf } from "../model/history.ts";
import type { StoredRun } from "../run/store.ts";
import type { World } from "../world.ts";
import type { ApiContext } from "./context.ts";
import { meetFaults } from "./refuse.ts";
import { streamRun } from "./stream-run.ts";

/** GET /v1/responses/:id, with ?stream=true&starting_after=N for background responses. */
export async function retrieveResponse(context: ApiContext, world: World): Promise<Response> {
  world.log.count("retrieve");
  const instead = await meet(context, world, "retrieve");
  if (instead !== undefined) return instead;
  const { run } = find(context, world);
  if (context.req.query("stream") !== "true") return context.json(run.response);
  if (!run.background) {
    throw invalid("stream", null, "Only background responses can be streamed after creation.");
  }
  const after = Number(context.req.query("starting_after") ?? -1);
  if (!Number.isInteger(after)) {
    throw invalid("starting_after", "invalid_type", "Invalid type for 'starting_after'.");
  }
  return streamRun(context, world, run, { after, fault: undefined });
}

/** POST /v1/responses/:id/cancel: only for background responses; a final one is given back as it is. */
export async function cancelResponse(context: ApiContext, world: World): Promise<Response> {
  world.log.count("cancel");
  const instead = await meet(context, world, "cancel");
  if (instead !== undefined) return instead;
  const { run } = find(context, world);
  if (!run.background) throw invalid(null, null, "Cannot cancel a synchronous response.");
  run.cancel();
  return context.json(run.response);
}

/** DELETE /v1/responses/:id. A run that is going is ended. */
export function deleteResponse(context: ApiContext, world: World): Response {
  world.log.count("delete");
  const { run } = find(context, world);
  run.stop();
  world.store.delete(run.id);
  return context.json({ id: run.id, object: "response", deleted: true });
}

const PageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().optional(),
});

/** GET /v1/responses/:id/input_items, newest first by default. */
export async function listInputItems(context: ApiContext, world: World): Promise<Response> {
  world.log.count("input_items");
  const { own } = find(context, world);
  const instead = await meet(context, world, "input_items");
  if (instead !== undefined) return instead;
  const page = PageSchema.safeParse(context.req.query());
  if (!page.success) {
    const param = String(page.error.issues[0]?.path[0] ?? "query");
    throw invalid(param, "invalid_value", `Invalid value for '${param}'.`);
  }
  const { limit, order, after } = page.data;
  const ordered = order === "asc" ? [...own] : own.toReversed();
  const start = after === undefined ? 0 : ordered.findIndex((item) => item.id === after) + 1;
  const data = ordered.slice(start, start + limit);
  return context.json({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < ordered.length,
  });
}

function find(context: ApiContext, world: World): StoredRun {
  const id = context.req.param("id") ?? "";
  const stored = world.store.get(id);
  if (stored === undefined) throw responseNotFound(id);
  return stored;
}

function meet(
  context: ApiContext,
  world: World,
  endpoint: "retrieve" | "cancel" | "input_items",
): Promise<Response | undefined> {
  const id = context.req.param("id") ?? "";
  // One that is not there may be asked for all the same: a fault may have named it.
  const stored = world.store.get(id);
  const faults = selectFaults(world.faults, {
    endpoint,
    background: stored?.run.background ?? true,
    stream: context.req.query("stream") === "true",
    model: stored?.run.request.model ?? "",
    metadata: stored?.run.request.metadata ?? {},
    query: queryOf(stored?.own ?? []),
    mcp: stored?.run.request.tools?.some((tool) => tool.type === "mcp") ?? false,
    continued: false,
  });
  return meetFaults(context, faults, "mcp", id);
}

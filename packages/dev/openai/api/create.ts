import { hangUp } from "../../mcp/listen.ts";
import { selectFaults } from "../faults/select.ts";
import { invalid } from "../errors.ts";
import { queryOf } from "../model/history.ts";
import { PlanError } from "../model/plan.ts";
import { assembleInput, ownInput } from "../request/assemble.ts";
import { isLeftCall } from "../request/left-calls.ts";
import type { InputItem } from "../request/items.ts";
import { parseCreate, type ParsedRequest } from "../request/parse.ts";
import { Run } from "../run/run.ts";
import { isFinal } from "../run/wire.ts";
import type { World } from "../world.ts";
import type { ApiContext } from "./context.ts";
import { answerRaw } from "./raw.ts";
import { meetFaults, page } from "./refuse.ts";
import { streamRun } from "./stream-run.ts";

/** Items of an earlier run that an API could do without: an answer to a request for approval needs the request. */
const earlier = new Set(["mcp_list_tools", "mcp_call", "reasoning"]);

/** POST /v1/responses */
export async function createResponse(context: ApiContext, world: World): Promise<Response> {
  const request = parseCreate(await context.req.text());
  world.log.count("create");
  if (request.background) world.log.count("create_background");
  if (request.stream) world.log.count("create_stream");
  const own = ownInput(request);
  const faults = selectFaults(world.faults, factsOf(request, own));
  const label = request.tools?.find((tool) => tool.type === "mcp")?.server_label ?? "mcp";
  const instead = await meetFaults(context, faults, label);
  if (instead !== undefined) return instead;

  const input = assembleInput(request, own, world.store);
  refusePlan(world, input, request);
  // A background response is accepted first, and fails then.
  if (!request.background) await world.download(request, context.req.raw.signal);
  const run = new Run(request, input);
  if (run.background) world.store.add({ run, own });
  const done = world.start(run, faults);
  if (faults.refusal?.kind === "create-lost") {
    hangUp(context.env);
    return context.body(null);
  }
  if (faults.refusal?.kind === "garbage") return page(context);
  if (faults.refusal?.kind === "raw") return answerRaw(context, faults.refusal, run.id);
  if (request.stream) {
    if (!run.background) {
      done.then(() => isFinal(run.response.status) && world.store.add({ run, own }));
    }
    return streamRun(context, world, run, { after: -1, fault: faults.stream });
  }
  if (run.background) return context.json(structuredClone(run.response));

  // A client that hangs up ends the run that only it was waiting for.
  const { signal } = context.req.raw;
  const onAbort = () => run.stop();
  signal.addEventListener("abort", onAbort, { once: true });
  const failure = await done;
  signal.removeEventListener("abort", onAbort);
  run.forgetEvents();
  if (failure?.http !== undefined) throw failure.http;
  world.store.add({ run, own });
  return context.json(run.response);
}

/**
 * A plan that cannot be read is refused before a response exists: told later, it would look like a failure of OpenAI's, which
 * callers repeat.
 * @throws ApiError 400
 */
function refusePlan(world: World, input: InputItem[], { tool_choice }: ParsedRequest): void {
  try {
    world.plans.stepsFor(queryOf(input), tool_choice);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    // Whoever wrote it watches the log: the caller may be a function that shows less.
    world.sayBadPlan(error.message);
    throw invalid("input", "invalid_value", error.message);
  }
}

function factsOf(request: ParsedRequest, own: readonly InputItem[]) {
  return {
    endpoint: "create" as const,
    background: request.background ?? false,
    stream: request.stream ?? false,
    model: request.model,
    metadata: request.metadata ?? {},
    query: queryOf(own),
    mcp: request.tools?.some((tool) => tool.type === "mcp") ?? false,
    continued: own.some((item) => earlier.has(item.type) || isLeftCall(item)),
  };
}

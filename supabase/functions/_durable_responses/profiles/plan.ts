/** From a profile and a query to the request that is sent, with its budgets and rules. */
import type { Failure } from "../model/failure.ts";
import { mayPass } from "../model/refusals.ts";
import { type RequestBody, requestSchema, type RequestTool, toolSchema } from "../model/request.ts";
import type { Guard } from "../model/status.ts";
import type { SideEffects } from "../model/step.ts";
import type * as z from "../model/zod.ts";
import { RequestError } from "../platform/errors.ts";
import { load } from "../platform/load.ts";
import { makeFailure } from "../platform/make-failure.ts";
import {
  type ApproveWhen,
  type Budgets,
  defaultApprovalMs,
  defaultBudgets,
  defaultRetry,
  defaultReviewMs,
  type Profiles,
  type Retry,
} from "./profile.ts";
import { isWorkerServer, type PlannedServer, plannedServer } from "./mcp-server.ts";
import { isOwnTool, type OwnTool } from "./own-tools.ts";
import { withCallerSettings } from "./caller-settings.ts";
import { profileFault } from "./profile-fault.ts";
import { parseRawRequest } from "./raw-request.ts";
import { type CallersTool, refuseTools } from "./tool-rules.ts";
import { resolveTools } from "./secret-references.ts";
import { refuseStoredPrompt } from "./stored-prompt.ts";
import { definitionOf } from "./tool-schema.ts";
import { requireValidProfile } from "./valid-profile.ts";

/** What a job asks for: a profile and input, or a whole request from a server. */
export interface Ask {
  profile: string;
  input: string | Record<string, unknown>[] | null;
  request: Record<string, unknown> | null;
  /** What the caller added to the profile. */
  settings?: Record<string, unknown> | null;
}

/** Everything that is needed to run a job. */
export interface Plan {
  /** As sent to OpenAI: it contains our tools as functions, but not yet the tools of servers that the worker calls. */
  body: RequestBody;
  /** MCP servers that the worker calls. */
  servers: readonly PlannedServer[];
  /** The tools that the worker runs. */
  own: readonly OwnTool[];
  /** The tools that the caller runs. */
  callerTools: readonly CallersTool[];
  approveWhen: ApproveWhen;
  budgets: Budgets;
  retry: Retry;
  background: boolean;
  output: z.$ZodType | undefined;
  sideEffects: SideEffects;
  onUncertain: "review" | "retry";
  guard: Guard;
  approvalMs: number;
  reviewMs: number;
}

/**
 * Turns what a job asks for into a request with its secrets filled in, budgets and rules. Called when the job is accepted,
 * so that a mistake is refused before there is a row. Called again by each run, because a profile may have changed and
 * secrets are not stored.
 * @throws RequestError `unknown_profile`, `secret_not_set`, `stored_prompt`, `invalid_profile`, `invalid_request`
 */
export async function planFor(profiles: Profiles, ask: Ask): Promise<Plan> {
  try {
    return await makePlan(profiles, ask);
  } catch (error) {
    throw ask.request === null ? profileFault(ask.profile, error) : error;
  }
}

async function makePlan(profiles: Profiles, ask: Ask): Promise<Plan> {
  const profile = Object.hasOwn(profiles, ask.profile) ? profiles[ask.profile] : undefined;
  if (!profile) {
    throw new RequestError(
      "unknown_profile",
      `Cannot use profile '${ask.profile}': there is no such profile`,
      {
        hint: `The profiles are ${
          Object.keys(profiles).join(", ")
        }; they are in supabase/functions/_shared/profiles.ts`,
      },
    );
  }
  const {
    output,
    caller_may,
    background,
    budgets,
    retry,
    side_effects,
    on_uncertain,
    guard,
    approve_when,
    was_made: _wasMade,
    was_made_after_ms: _afterMs,
    approval_ms,
    review_ms,
    extra_body,
    tools: declared = [],
    ...settings
  } = profile;
  const raw = ask.request;
  refuseStoredPrompt(raw ?? settings, raw === null ? `profile '${ask.profile}'` : "this request");
  await requireValidProfile(ask.profile, profile);
  const own = raw === null ? declared.filter(isOwnTool) : [];
  const body = raw === null
    ? withCallerSettings(
      requestSchema.parse({
        ...extra_body,
        ...settings,
        ...(declared.length === 0 ? {} : {
          tools: declared.map((tool) => isOwnTool(tool) ? definitionOf(tool) : tool),
        }),
        input: ask.input,
        ...(output ? await formatOf(output) : {}),
      }),
      ask.settings,
      caller_may,
    )
    : parseRawRequest(profiles, raw);
  const callerTools = refuseTools(body.tools ?? [], {
    own,
    effects: side_effects ?? {},
    where: raw === null ? { profile: ask.profile } : "request",
  });
  // Only tools are searched for references: one in the input would give the secret to its author.
  const tools = resolveTools(body.tools ?? []);
  return {
    body: body.tools
      ? { ...body, tools: tools.filter((tool) => !isWorkerServer(tool)).map(asSent) }
      : body,
    servers: tools.filter(isWorkerServer).map(plannedServer),
    own,
    callerTools,
    approveWhen: raw === null ? approve_when ?? {} : {},
    budgets: { ...defaultBudgets, ...budgets },
    retry: { ...defaultRetry, ...retry },
    background: raw === null ? background ?? true : raw["background"] !== false,
    output: raw === null ? output : undefined,
    sideEffects: side_effects ?? {},
    onUncertain: on_uncertain ?? "review",
    guard: guard ?? "always",
    approvalMs: approval_ms ?? defaultApprovalMs,
    reviewMs: review_ms ?? defaultReviewMs,
  };
}

/**
 * The plan of an accepted job. If its profile or a secret no longer exists, the job fails. If no plan can be made at the
 * moment, this throws.
 */
export async function planOrFailure(
  profiles: Profiles,
  ask: Ask,
): Promise<{ plan: Plan } | { failure: Failure }> {
  try {
    return { plan: await planFor(profiles, ask) };
  } catch (error) {
    if (!(error instanceof RequestError) || mayPass.has(error.code)) throw error;
    const known = error.code === "unknown_profile" || error.code === "secret_not_set" ||
      error.code === "stored_prompt" || error.code === "invalid_profile";
    return { failure: makeFailure(known ? error.code : "openai_invalid_request", error.message) };
  }
}

/** OpenAI is not told who runs a tool. */
function asSent(tool: RequestTool): RequestTool {
  return "run_by" in tool
    ? toolSchema.parse(Object.fromEntries(Object.entries(tool).filter(([key]) => key !== "run_by")))
    : tool;
}

/** The helper is loaded only for profiles with an output schema, because cold start counts. */
async function formatOf(output: z.$ZodType) {
  const { zodTextFormat } = await load(
    "openai/helpers/zod",
    () => import("openai/helpers/zod"),
  );
  return { text: { format: zodTextFormat(output, "output") } };
}

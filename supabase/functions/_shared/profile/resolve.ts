import type { ResponseCreateParamsNonStreaming } from "openai/resources/responses/responses";
import type { z } from "zod";
import { RequestError } from "../errors.ts";
import { profiles } from "../profiles.ts";
import {
  type Budgets,
  DEFAULT_BUDGETS,
  DEFAULT_RETRY,
  type Profile,
  type Retry,
} from "./profile.ts";
import { parseRawRequest } from "./raw_request.ts";
import { resolveSecrets } from "./secrets.ts";

/** What a job asks for: by profile and input, or as a whole request from a server. */
export interface Ask {
  profile: string;
  input: string | Record<string, unknown>[] | null;
  request: Record<string, unknown> | null;
}

/** All that is needed to run a job. */
export interface Plan {
  body: ResponseCreateParamsNonStreaming;
  budgets: Budgets;
  retry: Retry;
  background: boolean;
  output: z.ZodType | undefined;
}

const byName: Readonly<Record<string, Profile>> = profiles;

/**
 * Turns what a job asks for into a request with its secrets filled in, budgets and rules.
 * Called when the job is accepted, so that a mistake is refused before there is a row, and again by each
 * run: a profile may have changed since, and secrets are stored nowhere.
 * @throws RequestError `unknown_profile`, `secret_not_set`, `invalid_request`
 */
export async function planFor(ask: Ask): Promise<Plan> {
  const profile = Object.hasOwn(byName, ask.profile) ? byName[ask.profile] : undefined;
  if (!profile) {
    throw new RequestError(
      "unknown_profile",
      `Cannot use profile '${ask.profile}': there is none of that name`,
      {
        hint: `The profiles are ${
          Object.keys(byName).join(", ")
        }; they are in supabase/functions/_shared/profiles.ts`,
      },
    );
  }
  const { output, background, budgets, retry, tools, ...settings } = profile;
  const request: Record<string, unknown> = ask.request === null
    ? { ...settings, ...(tools ? { tools } : {}), input: ask.input }
    : parseRawRequest(ask.request);
  const format = output && ask.request === null ? await formatOf(output) : {};
  return {
    // The SDK's type has hundreds of members; OpenAI itself checks the request, and its refusal is final.
    body: resolveSecrets({ ...request, ...format }) as ResponseCreateParamsNonStreaming,
    budgets: { ...DEFAULT_BUDGETS, ...budgets },
    retry: { ...DEFAULT_RETRY, ...retry },
    background: ask.request === null ? background ?? true : ask.request["background"] !== false,
    output: ask.request === null ? output : undefined,
  };
}

/** The helper is loaded only for profiles that have an output schema: cold start counts. */
async function formatOf(
  output: z.ZodType,
): Promise<Pick<ResponseCreateParamsNonStreaming, "text">> {
  const { zodTextFormat } = await import("openai/helpers/zod");
  return { text: { format: zodTextFormat(output, "output") } };
}

/** A whole request from a server, instead of a profile and a query. */
import { type RequestBody, requestSchema } from "../model/request.ts";
import { RequestError } from "../platform/errors.ts";
import { isOwnTool } from "./own-tools.ts";
import type { Profiles } from "./profile.ts";
import { refuseUnsafeTool } from "./raw-tool.ts";
import { secretNames } from "./secret-references.ts";

/** What the runner decides itself, per attempt. */
const decidedHere = ["background", "stream", "stream_options", "store"];

/**
 * Checks a whole Responses request from a server. Credentials in it must be references: the request is
 * stored, and a stored credential would be in every backup. Only secrets that a profile refers to may be
 * named, so that a request cannot send the function's other secrets to a server of its choice. Outside
 * tools `{{NAME}}` is text like any other.
 * @throws RequestError `invalid_request`
 */
export function parseRawRequest(
  profiles: Profiles,
  request: Record<string, unknown>,
): RequestBody {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RequestError(
      "invalid_request",
      `Cannot accept 'request.${issue?.path.join(".") ?? ""}': ${
        issue?.message ?? "it does not fit"
      }`,
      {
        hint: "Send a body as POST /v1/responses takes it",
        cause: parsed.error,
      },
    );
  }
  refuseTooMuchMetadata(parsed.data);
  for (const tool of parsed.data.tools ?? []) refuseUnsafeTool(tool);
  const allowed = secretNames(
    Object.values(profiles).map(({ tools = [] }) => tools.filter((tool) => !isOwnTool(tool))),
  );
  for (const name of secretNames(parsed.data.tools)) {
    if (!allowed.has(name)) {
      throw new RequestError(
        "invalid_request",
        `Cannot use the secret ${name} in a request: no profile refers to it`,
        {
          hint: "Refer to it in a profile in _shared/profiles.ts first",
        },
      );
    }
  }
  return requestSchema.parse(
    Object.fromEntries(Object.entries(parsed.data).filter(([key]) => !decidedHere.includes(key))),
  );
}

/** OpenAI takes 16 pairs; by two of ours a response is known when nobody recorded its id. */
const maxMetadata = 14;

function refuseTooMuchMetadata({ metadata = {} }: RequestBody): void {
  const count = Object.keys(metadata).length;
  if (count <= maxMetadata) return;
  throw new RequestError(
    "invalid_request",
    `Cannot accept 'request.metadata': it has ${count} pairs, and at most ${maxMetadata} can be sent`,
    {
      hint:
        "OpenAI takes 16, of which two are needed here. Put the others into the job's own metadata, beside 'request'",
    },
  );
}

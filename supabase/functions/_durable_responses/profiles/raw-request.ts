/** A whole request from a server, instead of a profile and a query. */
import { flawIn } from "../model/flaw.ts";
import { type RequestBody, requestSchema } from "../model/request.ts";
import { RequestError } from "../platform/errors.ts";
import { isOwnTool } from "./own-tools.ts";
import type { Profiles } from "./profile.ts";
import { refuseUnsafeTool } from "./raw-tool.ts";
import { secretNames } from "./secret-references.ts";

/** Fields that the runner sets itself, per attempt. */
const decidedHere = ["background", "stream", "stream_options", "store"];

/**
 * Checks a whole Responses request from a server. Credentials in it must be references: the request is stored, and a stored
 * credential would be in every backup. It may name only secrets that a profile refers to, so that a request cannot send the
 * functions' other secrets to a server of its choice. Outside of tools, `{{NAME}}` is ordinary text.
 * @throws RequestError `invalid_request`
 */
export function parseRawRequest(
  profiles: Profiles,
  request: Record<string, unknown>,
): RequestBody {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const { place, why } = flawIn(parsed.error, request, { hides: true });
    throw new RequestError(
      "invalid_request",
      `Cannot accept '${place}' of the request: ${why}`,
      {
        hint: "Send a body that POST /v1/responses accepts",
        param: place,
        cause: parsed.error,
      },
    );
  }
  refuseTooMuchMetadata(parsed.data);
  for (const [at, tool] of (parsed.data.tools ?? []).entries()) {
    refuseUnsafeTool(tool, `tools[${at}]`);
  }
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
          param: "tools",
        },
      );
    }
  }
  return requestSchema.parse(
    Object.fromEntries(Object.entries(parsed.data).filter(([key]) => !decidedHere.includes(key))),
  );
}

/** OpenAI accepts 16 pairs. Two of ours identify a response that nobody recorded. */
const maxMetadata = 14;

function refuseTooMuchMetadata({ metadata = {} }: RequestBody): void {
  const count = Object.keys(metadata).length;
  if (count <= maxMetadata) return;
  throw new RequestError(
    "invalid_request",
    `Cannot accept 'metadata' of the request: it has ${count} pairs, and at most ${maxMetadata} are allowed`,
    {
      hint:
        "OpenAI allows 16, and two of them are used here. Put the others into the job's own 'metadata', next to 'request'",
      param: "metadata",
    },
  );
}

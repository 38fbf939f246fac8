import { z } from "zod";
import { RequestError } from "../errors.ts";
import { profiles } from "../profiles.ts";
import { secretNames } from "./secrets.ts";

const schema = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.union([z.string().min(1), z.array(z.record(z.string(), z.unknown())).min(1)]),
  tools: z.array(z.looseObject({ type: z.string() })).max(128).optional(),
  background: z.boolean().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});
/** What the runner decides itself, per attempt. */
const OURS = ["background", "stream", "stream_options", "store"];

/**
 * Checks a whole Responses request from a server. Credentials in it must be references: the request is
 * stored, and a stored credential would be in every backup. Only secrets that a profile refers to may be
 * named, so that a request cannot send the function's other secrets to a server of its choice.
 * @throws RequestError `invalid_request`
 */
export function parseRawRequest(request: Record<string, unknown>): Record<string, unknown> {
  const parsed = schema.safeParse(request);
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
  for (const tool of parsed.data.tools ?? []) refuseCredentials(tool);
  const allowed = secretNames(profiles);
  for (const name of secretNames(parsed.data)) {
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
  return Object.fromEntries(Object.entries(parsed.data).filter(([key]) => !OURS.includes(key)));
}

function refuseCredentials(tool: Record<string, unknown>): void {
  const headers = z.record(z.string(), z.string()).optional().safeParse(tool["headers"]);
  if (!headers.success) {
    throw new RequestError(
      "invalid_request",
      "Cannot accept a tool's headers: they must be an object of strings",
    );
  }
  const values = [
    ...Object.values(headers.data ?? {}),
    ...(typeof tool["authorization"] === "string" ? [tool["authorization"]] : []),
  ];
  for (const value of values) {
    if (!/\{\{[A-Z][A-Z0-9_]*\}\}/.test(value)) {
      throw new RequestError(
        "invalid_request",
        "Cannot store a request with a credential in a tool's headers or authorization: it must be a reference",
        {
          hint:
            'Write {{NAME}} where NAME is a secret of the function, as in {"Authorization": "Bearer {{MAILBOX_MCP_TOKEN}}"}',
        },
      );
    }
    if (/[\r\n]/.test(value)) {
      throw new RequestError(
        "invalid_request",
        "Cannot accept a tool's header: it has a line break",
      );
    }
  }
}

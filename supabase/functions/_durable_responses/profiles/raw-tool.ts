/** A tool in a whole request: nothing in it may be a credential. */
import type { RequestTool } from "../model/request.ts";
import { RequestError } from "../platform/errors.ts";
import { looksLikeCredential } from "../platform/redact.ts";
import { secretReference } from "./profile.ts";
import { filledIn, serverUrl } from "./server-url.ts";

/** Names of query parameters that hold a credential. */
const credentialName =
  /(?:^|[^a-z])(?:key|auth|authorization|code|sig|jwt)$|apikey|token|secret|passw|pwd|credential|signature/i;
/** Text next to a reference is a scheme ("Bearer "), never as long as a credential. */
const longLiteral = /[\w+/=.~-]{20,}/;
/** The parts with their own rules. */
const ownRules = new Set(["headers", "authorization", "server_url"]);
/** RFC 9110's token: a valid header name. */
const headerName = /^[!#$%&'*+.^`|~\w-]+$/;

/**
 * Refuses a tool of a whole request that would store a credential, or that would send the server something other than it
 * seems to.
 *
 * Addresses are not checked: OpenAI makes the call, from its own network, so a private address reaches nothing of yours. And
 * with your own gateway in OPENAI_BASE_URL, a private server may be intended.
 * @param at its place in the request. Nothing that may be a credential is repeated, not even a header's name
 * @throws RequestError `invalid_request`
 */
export function refuseUnsafeTool(tool: RequestTool, at: string): void {
  for (const [name, value] of Object.entries(tool.headers ?? {})) {
    if (!headerName.test(name)) {
      throw refusal(
        `${at}.headers`,
        "Cannot accept a tool's header: its name has a character that no header has",
      );
    }
    refuseLiteral(value, `${at}.headers`);
  }
  if (tool.authorization !== undefined) refuseLiteral(tool.authorization, `${at}.authorization`);
  if (tool.server_url !== undefined) refuseUrl(tool.server_url, `${at}.server_url`);
  const others = Object.entries(tool).filter(([name]) => !ownRules.has(name));
  for (const [name, value] of others) {
    if (typeof value === "string" && credentialName.test(name)) refuseLiteral(value, at);
  }
  refuseKeys(Object.fromEntries(others), at);
}

/** Names, descriptions, schemas, anything else that a tool has: nothing that looks like a key is stored in any of them. */
function refuseKeys(value: unknown, at: string): void {
  if (typeof value === "string") {
    if (looksLikeCredential(value)) throw storedCredential(at, "in a tool");
  } else if (typeof value === "object" && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      refuseKeys(name, at);
      refuseKeys(part, at);
    }
  }
}

function refuseLiteral(value: string, at: string): void {
  const literal = value.replace(secretReference, "");
  if (literal === value || longLiteral.test(literal) || looksLikeCredential(literal)) {
    throw storedCredential(at, "in a tool's headers or authorization");
  }
  if (/[\r\n\0]/.test(value)) {
    throw refusal(at, "Cannot accept a tool's header: it has a line break");
  }
}

function refuseUrl(text: string, at: string): void {
  const url = serverUrl(text);
  if (url === undefined) {
    throw refusal(
      at,
      "Cannot accept a tool's server_url: it must be a reference or begin with https:// or http://",
    );
  }
  const shown = [...url.searchParams].some(([name, value]) =>
    credentialName.test(name) && value !== "" && !value.includes(filledIn)
  );
  const named = url.username !== "" || url.password !== "";
  if (named || shown || looksLikeCredential(text.replace(secretReference, filledIn))) {
    throw storedCredential(at, "in a tool's server_url");
  }
}

function storedCredential(param: string, where: string): RequestError {
  return new RequestError(
    "invalid_request",
    `Cannot store a request with a credential ${where}: it must be a reference to a secret`,
    {
      param,
      hint:
        'Write {{NAME}}, where NAME is a secret of your functions, as in {"Authorization": "Bearer {{MAILBOX_MCP_TOKEN}}"}',
    },
  );
}

function refusal(param: string, message: string): RequestError {
  return new RequestError("invalid_request", message, {
    param,
    hint: "Send the tool as POST /v1/responses takes it, with secrets as {{NAME}}",
  });
}

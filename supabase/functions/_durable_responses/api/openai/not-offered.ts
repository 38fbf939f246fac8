/**
 * Paths that this endpoint does not have: a 404 that says what to use instead, or a 405 that says which methods are allowed.
 */
import { Refusal } from "./refusal.ts";

/** Parts of OpenAI's API that libraries call, and what to use here instead. */
const inPlace: ReadonlyMap<string, string> = new Map(Object.entries({
  "responses/compact": "continue with previous_response_id, or send a shorter input",
  "responses/input_tokens": "see the usage of a response",
  conversations: "continue a conversation with previous_response_id",
  files: "send files in the input, or refer to their URL",
  "chat/completions": "ask POST /v1/responses",
  completions: "ask POST /v1/responses",
  embeddings: "call OpenAI itself",
}));

const offered =
  "POST /v1/responses, GET or DELETE /v1/responses/:id, POST /v1/responses/:id/cancel, GET /v1/responses/:id/input_items, GET /v1/models, GET /v1/models/:id";

/** Whether `/v1/responses/<name>` is another part of OpenAI's API, and not a response's id. */
export function isOtherPart(name: string | undefined): boolean {
  return inPlace.has(`responses/${name}`);
}

/** @param allow the methods that the path supports; empty if there is no such path */
export function notOffered({ method, url }: Request, allow: string[]): Refusal {
  const { pathname } = new URL(url);
  if (allow.length > 0) {
    return new Refusal(
      405,
      `Not allowed to ${method} on ${pathname.slice(0, 200)}: only ${allow.join(", ")}`,
      { code: "method_not_allowed", allow: allow.join(", ") },
    );
  }
  const [, , , ...parts] = pathname.split("/");
  const instead = inPlace.get(parts.slice(0, 2).join("/")) ?? inPlace.get(parts[0] ?? "");
  const hint = instead === undefined ? "" : `Not offered here: ${instead}. `;
  return new Refusal(
    404,
    `Unknown request URL: ${method} ${pathname.slice(0, 200)}. ${hint}There are ${offered}`,
    { code: "unknown_url" },
  );
}

import type { Query } from "../../jobs/submit.ts";
import type { Caller } from "../../model/caller.ts";
import { canonicalMembers } from "../../model/canonical.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";
import { type BodyLimits, readJsonText, withFiles } from "./body.ts";
import { maxWaitMs } from "./limits.ts";
import { takenFiles } from "./taken-files.ts";
import { refuseUnsayable } from "./user-input.ts";

const maxWaitS = maxWaitMs / 1000;
const maxKeyLength = 255;

const text = z.string().check(
  z.refine((value) => value.trim() !== "", "it must not be empty"),
);
const items = z.array(z.record(z.string(), z.unknown())).check(
  z.minLength(1, "it must not be empty"),
);
/** The question: text, or input items as the Responses API takes them. */
export const inputSchema = z.union([text, items]);
const wait = z.number().check(
  z.minimum(0, "it must be at least 0 s"),
  z.maximum(
    maxWaitS,
    { error: ({ input }) => `it must be at most ${maxWaitS} s, but is ${String(input)}` },
  ),
);

const bodySchema = z.strictObject({
  query: z.optional(text),
  input: z.optional(inputSchema),
  request: z.optional(z.record(z.string(), z.unknown())),
  profile: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  metadata: z.optional(
    z.record(
      z.string().check(z.maxLength(64)),
      z.union([z.string().check(z.maxLength(512)), z.number(), z.boolean(), z.null()]),
    ).check(z.refine((pairs) => Object.keys(pairs).length <= 16, "it may have at most 16 keys")),
  ),
  wait: z.optional(wait),
  background: z.optional(z.boolean()),
}).check(z.refine(
  (body) =>
    [body.query, body.input, body.request].filter((given) => given !== undefined).length === 1,
  "it must have exactly one of query, input and request",
));

/**
 * Reads `POST /respond`: `{query | input, profile?, metadata?, wait?, background?}`, and from servers `{request}`.
 * @returns the query, whether it may go to background, and how long the caller waits for the answer, ms
 * @throws RequestError
 */
export async function readSubmission(
  request: Request,
  caller: Caller,
  limits: BodyLimits = withFiles,
): Promise<{ query: Query; background: boolean | undefined; waitMs: number }> {
  const idempotencyKey = readIdempotencyKey(request);
  const preferred = preferredWait(request);
  const read = await readJsonText(request, bodySchema, limits);
  const { body } = read;
  if (body.request && caller.kind !== "service") {
    throw new RequestError(
      "secret_key_required",
      "Cannot accept 'request' from a user: only a server with a secret key can send a whole request",
      {
        hint: "Send 'query' and 'profile' instead",
      },
    );
  }
  if (caller.kind !== "service") refuseUnsayable(body.input);
  const { input, request: whole, text: sent, files } = await takenOf(read, caller);
  return {
    query: {
      profile: body.profile ?? "default",
      input,
      request: whole,
      metadata: body.metadata ?? {},
      idempotencyKey,
      fingerprint: fingerprintOf(sent, body.profile ?? "default"),
      ...(files.length > 0 && { files }),
    },
    // If the profile turns background off, the caller cannot turn it on.
    background: body.background === false ? false : undefined,
    waitMs: (body.wait ?? preferred ?? 0) * 1000,
  };
}

interface Read {
  body: z.infer<typeof bodySchema>;
  text: string;
  bytes: number;
}

/** The question, without files that are too large for a row. */
async function takenOf({ body, ...sent }: Read, caller: Caller) {
  if (body.request === undefined) {
    const asked = body.query ?? body.input ?? null;
    return { ...await takenFiles({ ...sent, input: asked }, caller), request: null };
  }
  const { input, ...taken } = await takenFiles({ ...sent, input: body.request["input"] }, caller);
  const request = input === undefined ? body.request : { ...body.request, input };
  return { ...taken, input: null, request };
}

/** The request exactly as it was written. How long the caller waits for the answer is not part of it. */
function fingerprintOf(sent: string, profile: string): string {
  const said = canonicalMembers(sent);
  return JSON.stringify([
    profile,
    said.get("query") ?? said.get("input") ?? null,
    said.get("request") ?? null,
    said.get("metadata") ?? "{}",
  ]);
}

/**
 * The Idempotency-Key header, or null.
 * @throws RequestError `invalid_request`
 */
export function readIdempotencyKey(request: Request): string | null {
  const key = request.headers.get("idempotency-key");
  if (key !== null && (key === "" || key.length > maxKeyLength)) {
    throw new RequestError(
      "invalid_request",
      `Cannot accept the Idempotency-Key: it must have 1 to ${maxKeyLength} characters, but has ${key.length}`,
      { hint: "Send a key of its own for each question, such as a UUID" },
    );
  }
  return key;
}

/** `Prefer: wait=N` (RFC 7240). Other preferences are ignored. */
function preferredWait(request: Request): number | undefined {
  const given = request.headers.get("prefer")?.match(/(?:^|[,;\s])wait=([^,;\s]+)/i)?.[1];
  if (given === undefined) return undefined;
  const parsed = wait.safeParse(Number(given));
  if (!parsed.success) {
    throw new RequestError(
      "invalid_request",
      `Cannot accept Prefer: wait=${given}: ${
        parsed.error.issues[0]?.message ?? "it must be a number of seconds"
      }`,
      { hint: `Send Prefer: wait=N with N seconds, 0 to ${maxWaitS}` },
    );
  }
  return parsed.data;
}

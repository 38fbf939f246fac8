import * as z from "../../model/zod.ts";
import { after } from "../../platform/clock.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log, messageOf } from "../../platform/log.ts";
import { unfit } from "./body-flaw.ts";
import { lengthWithoutLongTexts } from "./long-texts.ts";

/** How large a request may be without the images and files in it, in bytes. */
export const maxBodyBytes = 1_000_000;
/**
 * How long `maxBodyBytes` may take to arrive, in ms: this long at 0.8 Mbit/s. The limit also applies to the beginning of a
 * larger body, so that a caller that sends nothing takes no more of an isolate's time, whatever length it has announced.
 */
const maxBodyMs = 10_000;

/** How much of a body is read, and how long all of it may take to arrive. */
export interface BodyLimits {
  bytes: number;
  ms: number;
  /** Waits until there is room for a body of this many bytes. Called at most once, and only for a large body. */
  takeRoom?: (bytes: number) => Promise<void>;
}
const withoutFiles: BodyLimits = { bytes: maxBodyBytes, ms: maxBodyMs };
/**
 * A body that may contain images and files, which are taken out of it (files/take-files.ts). 10 MB arrive in time at 2 Mbit/s.
 * An isolate has 256 MB, and reading a body takes about four times its size.
 */
export const withFiles: BodyLimits = { bytes: 24_000_000, ms: 60_000 };
/** How much of what the parser says a refusal quotes, in characters. */
const maxMessageChars = 200;
/** Deepest nesting that is accepted. Code that walks JSON recursively, Postgres's included, fails at some depth. */
const maxDepth = 100;

/**
 * Reads the body as text. Never keeps more of it than the limit, and never waits longer.
 * @throws RequestError `payload_too_large`, `body_timeout`
 */
export async function readText(request: Request): Promise<string> {
  return (await readWithin(request, withoutFiles)).text;
}

async function readWithin(
  request: Request,
  limits: BodyLimits,
): Promise<{ text: string; bytes: number }> {
  const told = Number(request.headers.get("content-length"));
  if (told > limits.bytes) throw tooLarge(limits, told);
  if (told > 0 && told <= maxBodyBytes && !request.headers.has("transfer-encoding")) {
    return { text: await readSmall(request, told), bytes: told };
  }
  const isAnnounced = told > maxBodyBytes;
  if (isAnnounced) await limits.takeRoom?.(told);
  const reader = request.body?.getReader();
  if (reader === undefined) return { text: "", bytes: 0 };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  let late = false;
  // Not a signal on a pipe: an isolate's first TransformStream costs 10 ms of its cold start.
  const leave = () => {
    late = true;
    reader.cancel().catch((error) => log.warn("cannot leave a body", { error: describe(error) }));
  };
  let inTime = after(maxBodyMs, leave);
  let isLarge = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.byteLength;
      if (bytes > limits.bytes) throw tooLarge(limits, bytes);
      if (bytes > maxBodyBytes && !isLarge) {
        isLarge = true;
        inTime();
        inTime = after(limits.ms - maxBodyMs, leave);
        // It did not say how large it is.
        if (!isAnnounced) await limits.takeRoom?.(limits.bytes);
      }
      text += decoder.decode(part.value, { stream: true });
    }
  } finally {
    inTime();
  }
  if (late) throw tooSlow(`only ${bytes} bytes did`, isLarge ? limits.ms : maxBodyMs);
  return { text: text + decoder.decode(), bytes };
}

/**
 * Reads a body that says how long it is: HTTP ends it there, so nothing need be counted. Reading it in parts would cost 3 ms of
 * a cold start. If it does not arrive, the answer ends the reading (tried, Deno 2.9.6).
 */
async function readSmall(request: Request, bytes: number): Promise<string> {
  const late = Promise.withResolvers<never>();
  const inTime = after(maxBodyMs, () => {
    late.reject(tooSlow(`not all of its ${bytes} bytes did`, maxBodyMs));
  });
  try {
    return await Promise.race([request.text(), late.promise]);
  } finally {
    inTime();
  }
}

function tooSlow(arrived: string, ms: number): RequestError {
  const what = ms === maxBodyMs ? `it, or its first ${maxBodyBytes} bytes,` : "it";
  return new RequestError(
    "body_timeout",
    `Cannot read the body: ${what} must arrive within ${ms / 1000} s, but ${arrived}`,
    { hint: "Send it again. Put large content into Storage or a file, and refer to it" },
  );
}

/**
 * A body larger than what is read of it.
 * @param seen how much of it is there, at least
 */
export function tooLarge({ bytes }: Pick<BodyLimits, "bytes">, seen: number): RequestError {
  return new RequestError(
    "payload_too_large",
    `Cannot read the body: it may have at most ${bytes} bytes${
      bytes === maxBodyBytes ? ", without the images and files in it" : ""
    }, but has at least ${seen}`,
    {
      hint: "Put large content into Storage, and refer to it",
    },
  );
}

/**
 * Reads a JSON body that fits a schema.
 * @throws RequestError `invalid_json`, `invalid_request`, `payload_too_large`, `body_timeout`
 */
export async function readJson<S extends z.$ZodType>(
  request: Request,
  schema: S,
): Promise<z.infer<S>> {
  return (await readJsonText(request, schema)).body;
}

/**
 * The same, with the text as it was sent. It still has the numbers that JavaScript rounds, and keys that occur twice.
 * @throws RequestError as `readJson`
 */
export async function readJsonText<S extends z.$ZodType>(
  request: Request,
  schema: S,
  limits = withoutFiles,
): Promise<{ body: z.infer<S>; text: string; bytes: number }> {
  const { text, bytes } = await readWithin(request, limits);
  if (bytes > maxBodyBytes) {
    const rest = lengthWithoutLongTexts(text, maxBodyBytes);
    if (rest > maxBodyBytes) throw tooLarge(withoutFiles, rest);
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new RequestError(
      "invalid_json",
      text === ""
        ? "Cannot read the body: it must be JSON, but it is empty"
        : `Cannot read the body: it must be JSON: ${messageOf(cause).slice(0, maxMessageChars)}`,
      {
        hint:
          'Send a JSON object such as {"query": "What is in my inbox?"}, or {"model": "mail", "input": "What is in my inbox?"} to /v1/responses',
        cause,
      },
    );
  }
  const flaw = flawOf(body);
  if (flaw) {
    throw new RequestError("invalid_request", `Cannot accept the body: ${flaw}`, {
      hint: "Send the request again without that: Postgres cannot store it",
    });
  }
  const result = z.safeParse(schema, body);
  if (!result.success) throw unfit(body, schema, result.error);
  return { body: result.data, text, bytes };
}

/** Why a value cannot be stored, if it cannot: Postgres accepts neither NUL nor half a surrogate pair. */
function flawOf(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") {
    const whole = value.isWellFormed() && !value.includes("\0");
    return whole ? undefined : "a text in it has a NUL character or half a surrogate pair";
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === maxDepth) return `it is nested more than ${maxDepth} levels deep`;
  for (const [key, entry] of Object.entries(value)) {
    const flaw = flawOf(key) ?? flawOf(entry, depth + 1);
    if (flaw) return flaw;
  }
  return undefined;
}

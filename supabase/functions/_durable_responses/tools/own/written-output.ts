/** What a tool returned, as the text that the model and the ledger get. */
import { isRecord } from "../../model/is-record.ts";
import { nameOfValue } from "../../model/name-of-value.ts";
import { messageOf } from "../../platform/log.ts";

/** Longest output, in bytes of UTF-8: it goes to the model with every following request, and into the ledger. */
const maxOutputBytes = 1_000_000;

/**
 * Text stays text, and everything else is written by JSON.stringify. What that would turn into nothing at all is an error
 * instead, which names it: the model must not take a forgotten `await` for an empty answer.
 */
export function writtenOutput(output: unknown): { output: string } | { error: string } {
  const written = typeof output === "string" ? { output } : asJson(output);
  if ("error" in written) return written;
  const { output: text } = written;
  const bytes = text.length > maxOutputBytes / 3 ? new TextEncoder().encode(text).length : 0;
  return bytes <= maxOutputBytes ? { output: text.toWellFormed() } : {
    error:
      `Its output has ${bytes} bytes, and at most ${maxOutputBytes} are accepted. Ask for less, a page at a time`,
  };
}

function asJson(output: unknown): { output: string } | { error: string } {
  // A function that returns nothing has done what it should.
  if (output === undefined) return { output: "null" };
  try {
    const text: unknown = JSON.stringify(output);
    if (typeof text !== "string") return { error: hasNoJson(nameOfValue(output), "") };
    const lost = text.includes("{}") ? lostIn(output) : undefined;
    if (lost !== undefined) return { error: hasNoJson(lost.name, lost.path) };
    return { output: wellFormedJson(text) };
  } catch (error) {
    return { error: `Its output cannot be written as JSON: ${messageOf(error)}` };
  }
}

function hasNoJson(name: string, path: string): string {
  return `Its output cannot be written as JSON: ${path === "" ? "it" : path} is ${name}`;
}

/**
 * The first part that JSON.stringify writes as `{}` although it is no plain object: a Map, a Promise, a stream, an Error. Looked
 * for only if there is a `{}`, because a replacer makes writing several times slower.
 */
function lostIn(output: unknown): { name: string; path: string } | undefined {
  let lost: { name: string; path: string } | undefined;
  const paths = new Map<unknown, string>();
  JSON.stringify(output, function (this: unknown, key: string, value: unknown): unknown {
    if (lost !== undefined || typeof value !== "object" || value === null) return value;
    const above = paths.get(this);
    const path = above === undefined ? "" : above === "" ? key : `${above}.${key}`;
    paths.set(value, path);
    if (Array.isArray(value) || isPlain(value) || Object.keys(value).length > 0) return value;
    lost = { name: nameOfValue(value), path };
    return value;
  });
  return lost;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm has another Object.prototype, which again has none.
  return prototype === null || isRecord(prototype) && Object.getPrototypeOf(prototype) === null;
}

/**
 * JSON.stringify escapes half of a surrogate pair, which many parsers refuse. Here it becomes U+FFFD, as in plain text. An
 * escape is one only if the backslashes in front of it are pairs.
 */
function wellFormedJson(text: string): string {
  if (!text.includes("\\ud")) return text;
  return text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, "$1\uFFFD");
}

/**
 * A tool's result as the model gets it: text, or parts with images and files, as a `function_call_output` may contain them.
 */
import { canonicalJson } from "../../model/canonical.ts";
import { isRecord } from "../../model/is-record.ts";
import { list } from "../../model/lenient.ts";
import * as z from "../../model/zod.ts";
import type { OutputPart } from "../own/own-call.ts";
import { AnswerTooLarge } from "./server.ts";

/** How much text of one result the model gets, in characters. */
const maxTextChars = 1_000_000;
/** The same for images and files. A later run sends them again, within a million characters in total. */
const maxDataChars = 600_000;

/** The outcome of a call, from its server. */
export interface ToolOutput {
  /** All of it as text, for people and the ledger, with images and files named. */
  text: string;
  /** Set if there is more than text. */
  parts?: OutputPart[];
  /** The tool itself says that it failed. */
  isError: boolean;
}

const result = z.looseObject({ content: list, isError: z.optional(z.unknown()) });
/** The image types that OpenAI accepts. */
const pictures = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);
const base64 = /^[\w+/=-]*$/;

/**
 * Reads a result of `tools/call`. Content that the Responses API cannot represent is named, so that the model knows about
 * it.
 * @throws AnswerTooLarge
 */
export function readResult(raw: Record<string, unknown>): ToolOutput {
  const { content, isError } = result.parse(raw);
  const parts = withinLimit(content.map(partOf));
  const said = parts.flatMap((part) => part.type === "input_text" ? [part.text] : []);
  const structured = raw["structuredContent"];
  if (isRecord(structured) && !said.some((text) => says(text, structured))) {
    parts.push({ type: "input_text", text: JSON.stringify(structured) });
  }
  refuseTooMuch(parts);
  const text = parts.map(textOf).join("\n");
  const isText = parts.every(({ type }) => type === "input_text");
  return { text, isError: isError === true, ...(isText ? {} : { parts }) };
}

function partOf(part: unknown): OutputPart {
  if (!isRecord(part)) return textPart(part);
  const { type, text, data, mimeType, resource } = part;
  if (type === "text" && typeof text === "string") return { type: "input_text", text };
  if (type === "image" && typeof data === "string") return dataPart(data, mimeType, "image");
  if (type === "audio" && typeof data === "string") return dataPart(data, mimeType, "audio");
  if (type === "resource" && isRecord(resource)) return resourcePart(resource);
  // A resource link is named as such: the model may pass its address on.
  return textPart(part);
}

/** A resource in the result. */
function resourcePart(resource: Record<string, unknown>): OutputPart {
  const { uri, text, blob, mimeType } = resource;
  const name = typeof uri === "string" ? uri : "resource";
  if (typeof text === "string") return { type: "input_text", text: `${name}:\n${text}` };
  return typeof blob === "string" ? dataPart(blob, mimeType, name) : textPart(resource);
}

function dataPart(data: string, mimeType: unknown, name: string): OutputPart {
  const type = typeof mimeType === "string" ? mimeType.toLowerCase() : "";
  if (!base64.test(data)) return textPart({ name, mimeType, problem: "its data is not base64" });
  const url = `data:${type};base64,${data}`;
  if (pictures.has(type)) return { type: "input_image", image_url: url, detail: "auto" };
  if (type === "application/pdf") {
    return { type: "input_file", filename: fileName(name), file_data: url };
  }
  const bytes = Math.floor(data.length * 3 / 4);
  return textPart({
    name,
    mimeType: type,
    bytes,
    note: "this kind of data cannot be shown to you",
  });
}

function fileName(uri: string): string {
  const name = uri.split(/[/\\]/).at(-1)?.replaceAll(/[^\w.-]+/g, "_") ?? "";
  return /\.pdf$/i.test(name) ? name : `${name === "" ? "file" : name}.pdf`;
}

function textPart(value: unknown): OutputPart {
  return { type: "input_text", text: JSON.stringify(value) ?? String(value) };
}

/** Servers repeat structured content as text, for clients that know only text. */
function says(text: string, structured: Record<string, unknown>): boolean {
  return text.trimStart().startsWith("{") &&
    canonicalJson(text) === canonicalJson(JSON.stringify(structured));
}

/** Text that is cut is worthless, so it must fit. Images and files that are too large are only named. */
function withinLimit(parts: OutputPart[]): OutputPart[] {
  let left = maxDataChars;
  return parts.map((part) => {
    if (part.type === "input_text") return part;
    const size = sizeOf(part);
    if (size > left) return { type: "input_text", text: `${textOf(part)} (too large to be shown)` };
    left -= size;
    return part;
  });
}

function refuseTooMuch(parts: OutputPart[]): void {
  const size = parts.reduce(
    (sum, part) => sum + (part.type === "input_text" ? sizeOf(part) : 0),
    0,
  );
  if (size <= maxTextChars) return;
  throw new AnswerTooLarge(
    `the answer has ${megabytes(size)} MB of text, and at most ${
      megabytes(maxTextChars)
    } can be given to the model`,
  );
}

function megabytes(chars: number): string {
  return (chars / 1_000_000).toFixed(1).replace(/\.0$/, "");
}

function sizeOf(part: OutputPart): number {
  if (part.type === "input_text") return part.text.length;
  return part.type === "input_image" ? part.image_url.length : part.file_data.length;
}

/** The text that stands for a part where only text is possible. */
function textOf(part: OutputPart): string {
  if (part.type === "input_text") return part.text;
  const kind = part.type === "input_image" ? "picture" : `file ${part.filename}`;
  const kilobytes = Math.ceil(sizeOf(part) * 3 / 4 / 1_000);
  return `[${kind}, ${kilobytes} kB]`;
}

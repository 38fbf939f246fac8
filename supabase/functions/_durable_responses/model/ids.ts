/**
 * The ids that callers get. Each names its job, and with it its owner: a response is `resp_<job>`, an item
 * `<kind>_<job>_<place>`, with the job's UUID without dashes. OpenAI's own ids stay inside, because a result may come from
 * several runs.
 */
import * as z from "./zod.ts";

const hexOfJob = "([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})";
const responseForm = new RegExp(`^resp_${hexOfJob}$`);
const itemForm = new RegExp(`^[a-z_]{1,40}_${hexOfJob}_([0-9]{1,9})$`);

/** OpenAI's prefixes. An item of another kind uses its type. */
const prefixes: Readonly<Record<string, string>> = {
  message: "msg",
  reasoning: "rs",
  mcp_call: "mcp",
  mcp_list_tools: "mcpl",
  mcp_approval_request: "mcpr",
  mcp_approval_response: "mcpa",
  function_call: "fc",
  custom_tool_call: "ctc",
  apply_patch_call: "apc",
  local_shell_call: "lsh",
  shell_call: "sh",
  computer_call: "cu",
  web_search_call: "ws",
  file_search_call: "fs",
  code_interpreter_call: "ci",
  image_generation_call: "ig",
};

/** A job's id in OpenAI's form: `resp_` and the UUID without dashes. */
export function responseIdOf(jobId: string): string {
  return `resp_${jobId.replaceAll("-", "")}`;
}

/** The job that an id names, in OpenAI's form or as a plain UUID; undefined if it cannot name one. */
export function jobIdOf(id: string): string | undefined {
  const hex = responseForm.exec(id);
  return z.uuid().safeParse(hex ? hex.slice(1).join("-") : id).data;
}

/**
 * The place of an item that has an id from OpenAI: derived from that id, so that it is the same in the stream, in the ledger
 * and in the answer. FNV-1a, as nine digits.
 */
export function placeOfUpstreamId(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash % 1_000_000_000;
}

/** @param place from placeOfUpstreamId; for a request for approval, the number of its step */
export function itemIdOf(jobId: string, type: string, place: number): string {
  const prefix = Object.hasOwn(prefixes, type) ? prefixes[type] : type;
  return `${prefix}_${jobId.replaceAll("-", "")}_${place}`;
}

/** The job and the place that an item's id names; undefined for an id that is not ours. */
export function placeOfItem(id: string): { jobId: string; place: number } | undefined {
  const found = itemForm.exec(id);
  if (!found) return undefined;
  return { jobId: found.slice(1, 6).join("-"), place: Number(found[6]) };
}

/** When a job was created, in ms since 1970, by its id (UUIDv7); undefined for another UUID. */
export function createdAtOf(jobId: string): number | undefined {
  const [, high = "", low = ""] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(jobId) ?? [];
  return low === "" ? undefined : Number.parseInt(high + low, 16);
}

/** A finished step in words, for a run that cannot get the item itself. */
import type { Item } from "../model/items.ts";
import type { DoneStep } from "../model/job.ts";
import { leftKindOf } from "../model/left-calls.ts";
import { isRecord } from "../model/is-record.ts";
import { outputInWords } from "../tools/own/answer-item.ts";

type Fact = Record<string, unknown>;

/** Fields that say nothing about what was done. */
const wordless = new Set([
  "id",
  "type",
  "status",
  "phase",
  "call_id",
  "role",
  "annotations",
  "logprobs",
  "encrypted_content",
  "container_id",
  "approval_request_id",
]);
/** A longer text without a space may be data, not words: an image, a file. In characters. */
const longestToken = 2_000;

/** A tool's arguments are sent whole, so that the model knows what not to do again. */
const asked = new Set(["arguments", "input", "ran_code", "server_label", "tool", "called"]);

/**
 * The step as one JSON object; null for one that states nothing.
 * @param longest how much of one text of a tool's answer is included, in characters; of a longer one, the rest is only
 *   mentioned
 */
export function factOf(step: DoneStep, longest: number): string | null {
  const fact = factIn(step);
  if (step.kind !== "mcp_call" && leftKindOf(step) === undefined && !saysSomething(fact)) {
    return null;
  }
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(fact).map((
        [key, value],
      ) => [key, asked.has(key) ? value : cut(value, longest)]),
    ),
  );
}

function factIn(step: DoneStep): Fact {
  const { kind, item } = step;
  if (kind === "unguarded_run") return { done_by_an_earlier_run: step.output };
  if (kind === "mcp_approval_request") {
    return { asked_for_approval: step.tool, arguments: step.arguments, answer: step.answer };
  }
  const left = leftKindOf(step);
  if (kind === "mcp_call" || left !== undefined && step.tool !== null || item === null) {
    const { server_label, tool, output, error } = step;
    const words = left === undefined ? output : outputInWords(left, output);
    const said = typeof words === "string" ? words : withoutNothing(words);
    return {
      ...(server_label === null ? {} : { server_label }),
      tool,
      arguments: step.arguments,
      ...(error === null ? { output: said } : { error }),
    };
  }
  const fact = withoutNothing(factOfItem(item));
  return isRecord(fact) ? { ...fact, ...(hasFailed(item) ? { failed: true } : {}) } : {};
}

/** What has failed was tried, and not done. */
function hasFailed({ type, status }: Item): boolean {
  return type.endsWith("_call") && (status === "failed" || status === "incomplete");
}

/** Known kinds by their own fields; an unknown kind by all fields that say something. */
function factOfItem(item: Item): Fact {
  switch (item.type) {
    case "code_interpreter_call":
      return { ran_code: item["code"], outputs: listOf(item["outputs"], outputOfCode) };
    case "web_search_call":
      return { searched_the_web: item["action"], results: item["results"] };
    case "file_search_call":
      return { searched_files: item["queries"], results: listOf(item["results"], resultOfFile) };
    case "function_call":
      return { called: item["name"], arguments: item["arguments"], call: item["call_id"] };
    case "custom_tool_call":
      return { called: item["name"], input: item["input"], call: item["call_id"] };
    case "function_call_output":
    case "custom_tool_call_output":
      return { output: item["output"], call: item["call_id"] };
    case "image_generation_call":
      return {
        [hasFailed(item) ? "tried_to_make_an_image" : "made_an_image"]: item["id"] || "image",
        prompt: item["revised_prompt"],
        size: item["size"],
        format: item["output_format"],
      };
    default:
      return {
        done: item.type,
        ...Object.fromEntries(
          Object.entries(item).filter(([field]) => !wordless.has(field)),
        ),
      };
  }
}

function listOf(value: unknown, one: (entry: Fact) => unknown): unknown {
  return Array.isArray(value) ? value.filter(isRecord).map(one) : value;
}

function outputOfCode(output: Fact): Fact {
  return output["type"] === "image" ? { image: output["url"] } : { logs: output["logs"] };
}

function resultOfFile({ filename, file_id, text }: Fact): Fact {
  return { file: filename ?? file_id, text };
}

/** Without values that are null or empty, and without data that no model reads as text. */
function withoutNothing(value: unknown): unknown {
  if (typeof value === "string") return isData(value) ? "(data, not shown)" : value;
  if (Array.isArray(value)) return value.map(withoutNothing).filter((entry) => !isNothing(entry));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, withoutNothing(entry)]).filter(([, entry]) =>
      !isNothing(entry)
    ),
  );
}

/** Of Base64, or hexadecimal digits. Some languages write without spaces. */
function isData(text: string): boolean {
  return text.startsWith("data:") ||
    text.length > longestToken && /^[\w+/=-]+$/.test(text.slice(0, longestToken));
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === "" ||
    Array.isArray(value) && value.length === 0 ||
    isRecord(value) && Object.keys(value).length === 0;
}

/** The name of a kind alone states nothing. */
function saysSomething(fact: Fact): boolean {
  return Object.keys(fact).some((key) => key !== "done" && key !== "call");
}

function cut(value: unknown, longest: number): unknown {
  if (Array.isArray(value)) return value.map((entry) => cut(entry, longest));
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, cut(entry, longest)]),
    );
  }
  return typeof value !== "string" || value.length <= longest
    ? value
    : `${value.slice(0, longest).toWellFormed()}… (${value.length} characters)`;
}

import type { z } from "zod";
import { ApiError, invalid } from "../errors.ts";

type Issue = z.core.$ZodIssue;

/** The first issue of a refused body, worded as OpenAI words it. */
export function refusalOf(error: z.ZodError): ApiError {
  const first = error.issues[0];
  if (first === undefined) return invalid(null, null, "Invalid request.");
  const { issue, path } = deepest(first, []);
  const param = pathText(path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const key = pathText([...path, issue.keys[0] ?? ""]);
      return invalid(key, "unknown_parameter", `Unknown parameter: '${key}'.`);
    }
    case "invalid_type":
      if (issue.input === undefined) {
        return invalid(
          param,
          "missing_required_parameter",
          `Missing required parameter: '${param}'.`,
        );
      }
      return invalid(
        param,
        "invalid_type",
        `Invalid type for '${param}': expected ${article(issue.expected)}, but got ` +
          `${article(typeName(issue.input))} instead.`,
      );
    case "invalid_value":
      return unsupported(param, issue.input, issue.values.map(String));
    case "invalid_union":
      return unsupported(param, discriminated(issue), []);
    case "too_big":
      if (issue.origin !== "string") break;
      return invalid(
        param,
        "string_above_max_length",
        `Invalid '${param}': string too long. Expected a string with maximum length ` +
          `${issue.maximum}, but got a string with length ${String(issue.input).length} instead.`,
      );
    case "custom":
      return invalid(param, String(issue.params?.["code"] ?? "invalid_value"), issue.message);
  }
  return invalid(param, "invalid_value", `Invalid '${param}': ${issue.message}`);
}

/** Follows a union to the branch that came furthest, since that is the one that was meant. */
function deepest(issue: Issue, prefix: PropertyKey[]): { issue: Issue; path: PropertyKey[] } {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  const branches = issue.errors.flatMap((errors) => errors[0] === undefined ? [] : [errors[0]]);
  const meant = branches.sort((a, b) => b.path.length - a.path.length)[0];
  return meant === undefined ? { issue, path } : deepest(meant, path);
}

function discriminated(issue: Issue): unknown {
  const { input } = issue;
  if (issue.code !== "invalid_union" || typeof input !== "object" || input === null) return input;
  return Object.entries(input).find(([key]) => key === issue.discriminator)?.[1];
}

function unsupported(param: string, value: unknown, supported: string[]): ApiError {
  const quoted = supported.map((each) => `'${each}'`);
  const last = quoted.pop();
  const list = quoted.length === 0 ? last : `${quoted.join(", ")}, and ${last}`;
  const hint = last === undefined ? "" : ` Supported values are: ${list}.`;
  const shown = typeof value === "string" ? value : JSON.stringify(value) ?? "null";
  return invalid(param, "invalid_value", `Invalid value: '${shown}'.${hint}`);
}

/** `tools[0].server_label`, as OpenAI writes paths. */
function pathText(path: PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (key === "") return text;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

const names: Record<string, string> = {
  boolean: "a boolean",
  string: "a string",
  number: "a number",
  int: "an integer",
  array: "an array",
  object: "an object",
  record: "an object",
  null: "null",
};

function article(type: string): string {
  return names[type] ?? `a ${type}`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

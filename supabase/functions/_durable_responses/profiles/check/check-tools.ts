/** Checks the tools of a profile: who runs them, whether their secrets are set, and whether rules name existing tools. */
// @ts-types="./closest-string.d.ts"
import { closestString } from "deno-std/text/closest_string.js";
// @ts-types="./closest-string.d.ts"
import { levenshteinDistance } from "deno-std/text/levenshtein_distance.js";
import { kindOfCalls, nameOfTool } from "../../model/left-calls.ts";
import { type RequestTool, toolSchema } from "../../model/request.ts";
import type { SideEffects } from "../../model/step.ts";
import { isOwnTool } from "../own-tools.ts";
import { secretNames } from "../secret-references.ts";
import { definitionOf } from "../tool-schema.ts";
import { checkServer } from "./check-server.ts";
import type { Found } from "./finding.ts";
import { refusalOf } from "./refusal.ts";

/**
 * @param tools those that fit the schema
 * @param effects the profile's `side_effects`
 * @param isSet whether the functions have a secret of this name
 */
export function checkTools(
  tools: RequestTool[],
  effects: SideEffects,
  isSet: (name: string) => boolean,
): Found[] {
  return [
    ...tools.flatMap((tool, index) => checkTool(tool, index, effects)),
    ...tools.flatMap(misspelled),
    ...doubleLabels(tools),
    ...doubleNames(tools),
    ...unsetSecrets(tools.filter((tool) => !isOwnTool(tool)), isSet),
  ];
}

function checkTool(tool: RequestTool, index: number, effects: SideEffects): Found[] {
  const path = `tools[${index}]`;
  if (isOwnTool(tool)) {
    return refusalOf(path, () => toolSchema.parse(definitionOf(tool)), { own: [tool], effects });
  }
  // `run_by` says who does; whatever runs a tool here sets it.
  const kind = kindOfCalls(tool);
  if (kind !== undefined && kind !== "shell_call" && tool["run_by"] === undefined) {
    const name = typeof tool["name"] === "string" ? ` '${tool["name"]}'` : "";
    return [{
      path,
      severity: "wrong",
      message:
        `Nothing runs the ${tool.type} tool${name}: a call to it would end the run without an answer`,
      hint: tool.type === "function"
        ? 'Declare it with tool() or sqlTool(), or give it run_by: "caller"'
        : 'Give it run_by: "caller" and answer its calls yourself, or offer the same as tool()',
    }];
  }
  if (tool.type !== "mcp") {
    return refusalOf(path, () => tool, { own: [], effects });
  }
  return checkServer(tool, path, effects);
}

/** OpenAI has types of tools that are newer than this release, so only what looks like a typing error is told. */
function misspelled({ type }: RequestTool, index: number): Found[] {
  const near = closestString(type, toolTypes);
  if (toolTypes.includes(type) || levenshteinDistance(type, near) > 2) return [];
  return [{
    path: `tools[${index}]`,
    severity: "warn",
    message:
      `The tool at 'tools[${index}]' has the type '${type}', which this release does not know`,
    hint: `Did you mean '${near}'?`,
  }];
}

const toolTypes: string[] = [
  ..."apply_patch code_interpreter computer computer_use_preview custom file_search function".split(
    " ",
  ),
  ..."image_generation local_shell mcp shell tool_search web_search web_search_preview".split(" "),
];

function doubleLabels(tools: RequestTool[]): Found[] {
  const labels = tools.flatMap(({ server_label }) => server_label ?? []);
  const twice = labels.filter((label, index) => labels.indexOf(label) !== index);
  return [...new Set(twice)].map((label) => ({
    path: "tools",
    severity: "wrong",
    message: `Two MCP servers have the server_label '${label}'`,
    hint: "Give each its own server_label: the ledger and side_effects identify servers by it",
  }));
}

function doubleNames(tools: RequestTool[]): Found[] {
  const names = tools.flatMap((tool) => {
    const kind = kindOfCalls(tool);
    return kind === undefined ? [] : [nameOfTool(kind, tool["name"])];
  });
  const twice = names.filter((name, index) => name !== "" && names.indexOf(name) !== index);
  return [...new Set(twice)].map((name) => ({
    path: "tools",
    severity: "wrong",
    message: `Two tools are named '${name}'`,
    hint: "Give each its own name: calls and side_effects identify tools by it",
  }));
}

/** Those of the MCP servers that `dev` runs. */
const ofDev = /^(?:MAILBOX_MCP_(?:URL|TOKEN)|EVERYTHING_MCP_URL)$/;
const file = "supabase/.env.durable-responses.local";
const setAll = `npx supabase secrets set --remote --env-file ${file}`;

function unsetSecrets(tools: RequestTool[], isSet: (name: string) => boolean): Found[] {
  return [...secretNames(tools)].filter((name) => !isSet(name)).map((name) => ({
    path: "tools",
    severity: "warn",
    message: `The secret ${name} is not set here`,
    hint: ofDev.test(name)
      ? `dev's functions have it, from dev's own server: source its env file. The hosted project needs your own server's: npx supabase secrets set --remote ${name}=…`
      : `Put ${name}=… into ${file}: check reads it, and dev when it starts. For the hosted project, then ${setAll}`,
  }));
}

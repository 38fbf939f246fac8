/** Checks an MCP server of a profile: what OpenAI, or our worker, would refuse in its label, address and approval. */
import type { RequestTool } from "../../model/request.ts";
import type { SideEffects } from "../../model/step.ts";
import { workerLabel } from "../mcp-server.ts";
import { serverUrl } from "../server-url.ts";
import type { Found } from "./finding.ts";
import { refusalOf } from "./refusal.ts";
import { shown } from "./shown.ts";

/** OpenAI's own rule. */
const label = /^[A-Za-z][A-Za-z0-9_-]*$/;
const addresses = ["server_url", "connector_id", "tunnel_id"];

export function checkServer(tool: RequestTool, path: string, effects: SideEffects): Found[] {
  const found = [
    ...checkLabel(tool, path),
    ...checkAddress(tool, path),
    ...checkApproval(tool, path),
  ];
  if (found.length > 0 || tool["run_by"] === undefined) return found;
  return refusalOf(path, () => tool, { own: [], effects });
}

function checkLabel({ server_label, run_by }: RequestTool, path: string): Found[] {
  if (!server_label) return [wrong(path, `The MCP server at '${path}' has no server_label`)];
  const isOurs = run_by === "worker";
  if ((isOurs ? workerLabel : label).test(server_label)) return [];
  const at = `${path}.server_label`;
  return [
    wrong(
      at,
      `'${at}' must begin with a letter and contain only letters, digits, - and ${
        isOurs ? "single _, at most 32" : "_"
      }, but it is ${shown(server_label)}`,
    ),
  ];
}

function checkAddress(tool: RequestTool, path: string): Found[] {
  if (!addresses.some((name) => typeof tool[name] === "string" && tool[name] !== "")) {
    const what = "has neither server_url, connector_id nor tunnel_id";
    return [wrong(path, `The MCP server at '${path}' ${what}`)];
  }
  const { server_url } = tool;
  if (!server_url || serverUrl(server_url) !== undefined) return [];
  const at = `${path}.server_url`;
  return [
    wrong(
      at,
      `'${at}' must be a secret(), or a whole URL that begins with https:// or http://, but it ${
        scheme(server_url)
      }`,
    ),
  ];
}

function checkApproval({ require_approval: rule }: RequestTool, path: string): Found[] {
  if (typeof rule !== "string" || rule === "always" || rule === "never") return [];
  const at = `${path}.require_approval`;
  const must = "must be 'always', 'never', or an object with tools for each";
  return [wrong(at, `'${at}' ${must}, but it is ${shown(rule)}`)];
}

/** The rest of an address may be a credential. */
function scheme(url: string): string {
  const [begin] = /^[a-z][a-z0-9+.-]{0,15}:(?:\/\/)?/i.exec(url) ?? [];
  return begin === undefined || URL.parse(url) === null
    ? `is ${shown(url)}`
    : `begins with '${begin}'`;
}

function wrong(path: string, message: string): Found {
  return { path, severity: "wrong", message, hint: "See profiles.md#tools in the package's docs" };
}

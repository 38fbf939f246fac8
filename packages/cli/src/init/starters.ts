/** The first profiles.ts of a project. From then on, the file is its owner's. */

export type StarterKind = "question" | "mcp" | "structured";

export interface Starter {
  kind: StarterKind;
  model: string;
  /** For `mcp`: the server's label. The secrets for its address and token are named after it. */
  server: string;
}

export const defaultStarter: Starter = {
  kind: "question",
  model: "gpt-6.1-terra",
  server: "tools",
};

/** Names of the secrets that a starter's profile refers to. */
export function starterSecrets({ kind, server }: Starter): string[] {
  if (kind !== "mcp") return [];
  const prefix = server.toUpperCase().replaceAll("-", "_");
  return [`${prefix}_MCP_URL`, `${prefix}_MCP_TOKEN`];
}

/** What is wrong with a server's label, which becomes part of an environment variable's name. */
export function wrongServer(name: string): string | undefined {
  return /^[a-z][a-z0-9_-]{0,30}$/.test(name.trim())
    ? undefined
    : "Start with a lowercase letter, then use lowercase letters, digits, - and _";
}

export function wrongModel(name: string): string | undefined {
  return /^[\w.:-]{1,100}$/.test(name.trim())
    ? undefined
    : "Enter the name of a model, such as gpt-6-luna";
}

export function profilesFile(starter: Starter): string {
  return `/**
 * What a frontend may ask for. This is the one file to edit: name your profiles, say which model, which
 * instructions and which tools each has. A frontend sends a profile's name and a query, never a model,
 * a tool or a secret.
 */
${imports(starter)}

export const profiles = defineProfiles({
  /** Used when a request names no profile. */
  default: {
${body(starter).map((line) => `    ${line}`).join("\n")}
  },
});
`;
}

function imports({ kind }: Starter): string {
  if (kind === "structured") {
    return `import * as z from "zod/mini";\nimport { defineProfiles } from "../_durable_responses/mod.ts";`;
  }
  const names = kind === "mcp" ? "defineProfiles, secret" : "defineProfiles";
  return `import { ${names} } from "../_durable_responses/mod.ts";`;
}

function body(starter: Starter): string[] {
  const model = `model: ${JSON.stringify(starter.model)},`;
  const [url, token] = starterSecrets(starter);
  switch (starter.kind) {
    case "question":
      return [model, `instructions: "Answer briefly and plainly.",`];
    case "structured":
      return [
        model,
        `instructions: "Sort the message.",`,
        "// The answer is checked against this and stored as output_parsed.",
        "output: z.object({",
        `  topic: z.enum(["billing", "support", "sales", "other"]),`,
        "  urgent: z.boolean(),",
        "  summary: z.string(),",
        "}),",
      ];
    case "mcp":
      return [
        model,
        `instructions: "Do what is asked with your tools, and say what you did.",`,
        "tools: [{",
        `  type: "mcp",`,
        `  server_label: ${JSON.stringify(starter.server)},`,
        `  server_url: secret("${url}"),`,
        `  headers: { Authorization: \`Bearer \${secret("${token}")}\` },`,
        '  // A person says yes to each call, unless { never: { tool_names: ["…"] } } names its tool.',
        `  require_approval: "always",`,
        "}],",
      ];
  }
}

/** The examples of docs/client.md, unchanged, type-checked against the built package. */
import assert from "node:assert/strict";
import { typesFile } from "../../packages/cli/src/check/types-file.ts";
import { checkTypesIn, withProject } from "./support/project.ts";

const page = await Deno.readTextFile(
  new URL("../../docs/client.md", import.meta.url),
);

/** What the examples expect around them. An example's own declarations take precedence. */
const surroundings = `
import type { SupabaseClient } from "@supabase/supabase-js";
import type { DurableResponses } from "durable-responses-client";
declare global {
  const url: string;
  const publishableKey: string;
  const secretKey: string;
  const email: string;
  const password: string;
  const mailId: string;
  const answer: HTMLElement;
  const log: (line: string) => void;
  const supabase: SupabaseClient;
  const responses: DurableResponses;
  const createDurableResponses: typeof import("durable-responses-client").createDurableResponses;
  const createClient: typeof import("@supabase/supabase-js").createClient;
}
`;

/** As `npx durable-responses check` writes it. */
const profiles = typesFile({
  findings: [],
  profiles: [{ name: "default" }, {
    name: "triage",
    output: {
      type: "object",
      properties: { topic: { type: "string", enum: ["billing", "sales"] } },
      required: ["topic"],
    },
  }],
});

Deno.test("every TypeScript example of docs/client.md fits the client's types", async () => {
  const examples = [...page.matchAll(/^```(tsx?)\n([^]*?)^```/gm)];
  assert.ok(examples.length >= 4);
  const files = examples.map(([, kind, code = ""], index) => {
    // An example uses this name of `lib.dom` for its own element.
    const own = code.includes("status.textContent") ? "declare const status: HTMLElement;\n" : "";
    return [`src/example-${index + 1}.${kind}`, `${own}${code}\nexport {};\n`];
  });
  await withProject({
    ...Object.fromEntries(files),
    "src/surroundings.d.ts": surroundings,
    "supabase/functions/_shared/profiles.gen.ts": profiles,
    // The package has no types of its own.
    "src/ws.d.ts":
      `declare module "ws" { const WebSocket: typeof globalThis.WebSocket; export default WebSocket; }`,
  }, checkTypesIn);
});

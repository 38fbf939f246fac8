/** Vite's React-TypeScript template with an App.tsx that uses the client. */
import { join } from "node:path";
import { typesFile } from "../../../packages/cli/src/check/types-file.ts";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";

/** @returns the app's folder, in `folder` */
export async function makeViteApp(folder: string): Promise<string> {
  await runProcess({
    name: "create-vite",
    command: "node",
    args: [
      join(projectRoot, "node_modules/create-vite/index.js"),
      "app",
      "--template",
      "react-ts",
      "--no-interactive",
    ],
    cwd: folder,
  });
  return join(folder, "app");
}

const types = typesFile({
  findings: [],
  profiles: [{ name: "default" }, {
    name: "triage",
    output: {
      type: "object",
      properties: {
        topic: { type: "string", enum: ["billing", "sales"] },
        lines: {
          type: "array",
          items: {
            type: "object",
            properties: { price: { anyOf: [{ type: "number" }, { type: "null" }] } },
            required: ["price"],
          },
        },
      },
      required: ["topic", "lines"],
    },
  }],
});

const app = `import { createClient } from "@supabase/supabase-js";
import { createDurableResponses } from "durable-responses-client";
import { DurableResponsesProvider, useSubmit } from "durable-responses-client/react";
import type { Profiles } from "../supabase/functions/_shared/profiles.gen.ts";

const supabase = createClient("http://127.0.0.1:54321", "sb_publishable_x");
const responses = createDurableResponses<Profiles>(supabase);

function Ask() {
  const { submit, job, error } = useSubmit<Profiles>();
  const topic: "billing" | "sales" | undefined =
    job?.profile === "triage" ? job.output_parsed?.topic : undefined;
  const price: number | null | undefined =
    job?.profile === "triage" ? job.output_parsed?.lines[0]?.price : undefined;
  // @ts-expect-error: there is no such profile
  const wrong = () => submit({ query: "Hi", profile: "mail" });
  return (
    <>
      <button onClick={() => submit({ query: "The bill is wrong", profile: "triage" })}>Ask</button>
      <button onClick={wrong}>{topic} {price}</button>
      {error && <p role="alert">{error.message} {error.code} {error.hint}</p>}
    </>
  );
}

export default function App() {
  return <DurableResponsesProvider client={responses}><Ask /></DurableResponsesProvider>;
}
`;

/** The template's page asks with the hooks instead of counting clicks. */
export async function useClientIn(folder: string): Promise<void> {
  const shared = join(folder, "supabase", "functions", "_shared");
  await Deno.mkdir(shared, { recursive: true });
  await Deno.writeTextFile(join(shared, "profiles.gen.ts"), types);
  await Deno.writeTextFile(join(folder, "src", "App.tsx"), app);
}

/** An adopter's project, which has the built package installed. */
import { dirname, join } from "node:path";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";
import { installOffline, packInto } from "../../packages/support/packed.ts";

const settings = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2022",
    types: [],
    lib: ["es2023", "dom", "dom.iterable"],
    exactOptionalPropertyTypes: true,
    jsx: "react-jsx",
    allowImportingTsExtensions: true,
    // supabase-js itself has errors with these settings.
    skipLibCheck: true,
  },
};

/** Packs the package, installs it in a folder with these files, and removes everything after `run`. */
export async function withProject(
  files: Record<string, string>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "client-" });
  try {
    const [client] = await packInto(folder, ["durable-responses-client"]);
    if (!client) throw new Error("Cannot pack the client");
    await installOffline(folder, [client], ["@supabase", "@types", "react", "csstype", "ws"]);
    const all = {
      "package.json": JSON.stringify({ type: "module" }),
      "tsconfig.json": JSON.stringify(settings),
      ...files,
    };
    for (const [name, text] of Object.entries(all)) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Throws the errors that TypeScript finds in the project. */
export async function checkTypesIn(folder: string): Promise<void> {
  await tsc(["-p", folder]);
}

async function tsc(args: string[]): Promise<void> {
  const script = join(projectRoot, "node_modules", "typescript", "bin", "tsc");
  await runProcess({ name: "tsc", command: "node", args: [script, ...args] });
}

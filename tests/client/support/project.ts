/** Somebody else's project, which has installed the package as it is built. */
import { dirname, join } from "node:path";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";

const settings = {
  compilerOptions: {
    ...{
      strict: true,
      noEmit: true,
      module: "nodenext",
      target: "es2022",
      types: [],
    },
    ...{
      lib: ["es2023", "dom", "dom.iterable"],
      exactOptionalPropertyTypes: true,
    },
    jsx: "react-jsx",
    allowImportingTsExtensions: true,
    // supabase-js has errors of its own under these settings.
    skipLibCheck: true,
  },
};

/** Builds the package, installs it in a folder with these files, and removes all of it after `run`. */
export async function withProject(
  files: Record<string, string>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "client-" });
  try {
    const installed = join(folder, "node_modules", "durable-responses-client");
    await Deno.mkdir(installed, { recursive: true });
    const client = join(projectRoot, "packages", "client");
    await tsc(["-p", client, "--outDir", join(installed, "dist")]);
    await Deno.copyFile(
      join(client, "package.json"),
      join(installed, "package.json"),
    );
    for (const name of ["@supabase", "@types", "react", "csstype", "ws"]) {
      const source = join(projectRoot, "node_modules", name);
      await Deno.symlink(source, join(folder, "node_modules", name));
    }
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

/** Throws what TypeScript finds wrong in the project. */
export async function checkTypesIn(folder: string): Promise<void> {
  await tsc(["-p", folder]);
}

async function tsc(args: string[]): Promise<void> {
  const script = join(projectRoot, "node_modules", "typescript", "bin", "tsc");
  await runProcess({ name: "tsc", command: "node", args: [script, ...args] });
}

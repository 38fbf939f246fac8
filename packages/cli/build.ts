/**
 * Builds the npm package `durable-responses` in packages/cli/dist: the program with everything it imports in it, and beside it the
 * files that it puts into projects. Publish it with `npm publish packages/cli/dist`.
 *
 * It is a package of its own, and not the repository's root, whose dependencies (Postgres, Deno, a browser) nobody who types
 * `npx durable-responses` wants. Bundled, it has none at all, and starts on Node 20 though openai and supabase-js ask for
 * 22: the CLI uses neither. Its package.json is made here, since one in packages/cli/ would put that folder out of reach of deno.json.
 *
 *   npm run build:cli [-- <folder>]
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { z } from "zod";
import { noticesFile, noticesOf } from "../../scripts/notices.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const aboutSchema = z.object({ version: z.string(), license: z.string() });

const packageJson = {
  name: "durable-responses",
  description:
    "OpenAI responses that always come back, on Supabase: install, check and operate them",
  keywords: ["openai", "supabase", "responses", "background", "mcp", "edge-functions"],
  type: "module",
  bin: { "durable-responses": "main.js" },
  files: ["main.js", noticesFile, "template"],
  engines: { node: ">=20.12" },
};

/** @param folder is emptied first */
export async function buildCli(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [join(root, "packages/cli/src/main.ts")],
    outfile: join(folder, "main.js"),
    bundle: true,
    platform: "node",
    target: "node20.12",
    format: "esm",
    // Some of what is bundled is CommonJS and calls require() for Node's own modules.
    banner: {
      js:
        `#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);`,
    },
    minifySyntax: true,
    // Whole texts instead, in a file beside it.
    legalComments: "none",
    metafile: true,
    absWorkingDir: root,
    logLevel: "warning",
  });
  const inputs = Object.keys(metafile.inputs).map((path) => join(root, path));
  await writeFile(join(folder, noticesFile), await noticesOf(inputs));
  const template = join(folder, "template");
  await mkdir(template, { recursive: true });
  for (const part of ["supabase/functions", "supabase/migrations", "scripts/worker"]) {
    await cp(join(root, part), join(template, part), { recursive: true });
  }
  const { version, license } = aboutSchema.parse(
    JSON.parse(await readFile(join(root, "package.json"), "utf8")),
  );
  await writeFile(join(template, "release.json"), `${JSON.stringify({ version })}\n`);
  const about = { ...packageJson, version, license };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
  await cp(join(root, "packages/cli/README.md"), join(folder, "README.md"));
  await cp(join(root, "LICENSE"), join(folder, "LICENSE"));
}

if (import.meta.main) await buildCli(process.argv[2] ?? join(root, "packages/cli/dist"));

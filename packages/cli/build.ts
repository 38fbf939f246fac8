/**
 * Builds what the npm package `durable-responses` publishes, packages/cli/dist: the program, with everything that it imports,
 * the files that it puts into projects, and the documentation, of the same release. Because it is bundled, the package has no dependencies, and starts on Node 20,
 * although openai and supabase-js ask for 22: the CLI uses neither.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { z } from "zod";
import { noticesFile, noticesOf } from "../../scripts/notices.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const aboutSchema = z.object({ version: z.string() });

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
    // Some bundled packages are CommonJS, and call require() for Node's own modules.
    banner: {
      js:
        `#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);`,
    },
    minifySyntax: true,
    // A separate file has the full texts instead.
    legalComments: "none",
    metafile: true,
    absWorkingDir: root,
    logLevel: "warning",
  });
  const inputs = Object.keys(metafile.inputs).map((path) => join(root, path));
  await writeFile(join(folder, noticesFile), await noticesOf(inputs));
  const template = join(folder, "template");
  await mkdir(template, { recursive: true });
  for (
    const part of [
      "supabase/functions",
      "supabase/migrations",
      "scripts/worker",
      "scripts/check-profiles",
    ]
  ) {
    await cp(join(root, part), join(template, part), { recursive: true });
  }
  await copyDocs(join(root, "docs"), join(folder, "docs"));
  const { version } = aboutSchema.parse(
    JSON.parse(await readFile(join(root, "packages/cli/package.json"), "utf8")),
  );
  await writeFile(join(template, "release.json"), `${JSON.stringify({ version })}\n`);
}

/** The pages, and the pictures in them. */
async function copyDocs(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const page of await readdir(from)) {
    if (!page.endsWith(".md")) continue;
    const text = await readFile(join(from, page), "utf8");
    await writeFile(join(to, page), text);
    const pictures = text.matchAll(/!\[[^\]]*\]\(((?!https?:)[^)\s]+)\)/g);
    for (const [, picture = ""] of pictures) await cp(join(from, picture), join(to, picture));
  }
}

if (import.meta.main) await buildCli(join(root, "packages/cli/dist"));

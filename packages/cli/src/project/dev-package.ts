/** The package durable-responses-dev, whose programs run in Deno. */
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { foldersFrom, readText } from "./locate.ts";
import { aboutRelease } from "./release.ts";

const name = "durable-responses-dev";
const manifestSchema = z.object({ exports: z.record(z.string(), z.unknown()) });
const programSchema = z.union([z.string(), z.object({ default: z.string() })]);

/** Whether it is there. @param start a folder of the project */
export async function devIsInstalled(start: string): Promise<boolean> {
  for (const folder of placesFor(start)) {
    if (await readText(join(folder, "package.json")) !== undefined) return true;
  }
  return false;
}

/**
 * Deno's arguments that run one of its programs: the project's own package, or one next to this program.
 * @param start a folder of the project
 * @param program as the package exports it
 * @param what cannot be done without, as in "run the project"
 * @throws Failure if there is neither
 */
export async function devProgram(
  start: string,
  program: "./dev" | "./console",
  what: string,
): Promise<string[]> {
  for (const folder of placesFor(start)) {
    const found = await programIn(folder, program, what);
    if (found !== undefined) {
      return [
        "run",
        "--quiet",
        "-A",
        "--no-config",
        "--no-lock",
        "--node-modules-dir=manual",
        found,
      ];
    }
  }
  const { version } = await aboutRelease();
  throw new Failure(`Cannot ${what}: the package '${name}' is not installed`, {
    hint: `npm install --save-dev ${name}@${version}`,
  });
}

function placesFor(start: string): string[] {
  return [start, dirname(fileURLToPath(import.meta.url))].flatMap((from) =>
    foldersFrom(from).map((folder) => join(folder, "node_modules", name))
  );
}

async function programIn(home: string, program: string, what: string): Promise<string | undefined> {
  const text = await readText(join(home, "package.json"));
  if (text === undefined) return undefined;
  const { exports } = manifestSchema.parse(JSON.parse(text));
  const entry = programSchema.parse(exports[program]);
  // Its own packages are looked for from where it really lies.
  const path = join(await realpath(home), typeof entry === "string" ? entry : entry.default);
  if (await readText(path) !== undefined) return path;
  throw new Failure(`Cannot ${what}: '${path}' does not exist`, {
    hint: "Install the package again; in its repository, npm run build dev",
  });
}

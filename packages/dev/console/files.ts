/** Where the console's page is: built from its sources in this repository, else in its package. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findPackage } from "../packages.ts";
import { projectRoot } from "../postgres/binaries.ts";
import { buildConsole, consoleFiles } from "./build.ts";

/** The folder to serve. Throws when the console cannot be built, or is not installed. */
export async function consoleFolder(): Promise<string> {
  if (existsSync(join(projectRoot, "packages", "console", "src"))) {
    await buildConsole();
    return consoleFiles;
  }
  const folder = findPackage("durable-responses-console");
  if (folder !== undefined) return join(folder, "dist");
  throw new Error(
    "Cannot show the console: 'durable-responses-console' must be in node_modules; install it beside durable-responses-dev",
  );
}

/** Format, lint and types, by Deno's own tools. */
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";

const formatted = [".ts", ".tsx", ".js", ".mjs", ".json"];

/** `deno fmt` on code, not on prose. With `write`, it fixes what it finds. */
export async function checkFormat(write: boolean): Promise<string | undefined> {
  return await deno(["fmt", ...(write ? [] : ["--check"]), ...await projectFiles(formatted)]);
}

export async function checkLint(): Promise<string | undefined> {
  return await deno(["lint", "--quiet", ...await projectFiles([".ts", ".tsx", ".js", ".mjs"])]);
}

/** All TypeScript files at once, so that shared files are read once. */
export async function checkTypes(): Promise<string | undefined> {
  return await deno(["check", "--quiet", ...await projectFiles([".ts", ".tsx"])]);
}

async function deno(args: string[]): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(findDeno(), {
    args,
    cwd: projectRoot,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (success) return undefined;
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  // Deno's own stack says nothing about our files.
  return text.replace(/\n+Stack backtrace:[^]*$/, "").trim();
}

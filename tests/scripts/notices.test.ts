/** Whoever gets a bundle gets the license of everything in it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildCli } from "../../packages/cli/build.ts";
import { buildConsole, consoleFiles } from "../../packages/dev/console/build.ts";
import { noticesFile, noticesOf, packageFolder } from "../../scripts/notices.ts";

Deno.test("a file belongs to the innermost package", () => {
  const folder = (file: string) => packageFolder(`/p/node_modules/${file}`)?.slice(16);
  assert.equal(folder("zod/v4/index.js"), "zod");
  assert.equal(folder("@clack/prompts/dist/index.mjs"), "@clack/prompts");
  assert.equal(folder("a/node_modules/@x/b/c/d.js"), "a/node_modules/@x/b");
  assert.equal(packageFolder("/p/packages/cli/src/main.ts"), undefined);
});

Deno.test("a package that says nothing of its license stops the build", async () => {
  const root = await Deno.makeTempDir();
  try {
    const folder = join(root, "node_modules", "mute");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "mute", version: "1.0.0" }),
    );
    await assert.rejects(noticesOf([join(folder, "index.js")]), /license of mute/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** Names in the file, and that each has words of a license below it. */
function packagesIn(text: string): string[] {
  const parts = text.split(/^={80}\n/m).slice(1);
  const heads = parts.filter((_, index) => index % 2 === 0);
  const bodies = parts.filter((_, index) => index % 2 === 1);
  assert.equal(heads.length, bodies.length);
  for (const [index, body] of bodies.entries()) {
    assert.match(body, /permi|licen[cs]e|public domain/i, `${heads[index]}`);
  }
  return heads.map((head) => head.split(" ")[0] ?? "");
}

Deno.test("the CLI's package has the notices of what is bundled", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await buildCli(folder);
    const names = packagesIn(await Deno.readTextFile(join(folder, noticesFile)));
    for (const name of ["zod", "commander", "@clack/prompts", "diff", "sisteransi"]) {
      assert.ok(names.includes(name), name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the console has the notices of its scripts and its fonts", async () => {
  await buildConsole();
  const names = packagesIn(await Deno.readTextFile(join(consoleFiles, noticesFile)));
  for (
    const name of [
      "react",
      "@supabase/supabase-js",
      "@radix-ui/react-dialog",
      "@fontsource-variable/archivo",
      "@fontsource-variable/jetbrains-mono",
    ]
  ) assert.ok(names.includes(name), name);
});

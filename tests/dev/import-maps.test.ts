/** Which import map a project's function uses, and which of its packages come from this machine. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { broughtAddress, modulesOf } from "../../packages/dev/stack/import-maps.ts";

const esmShUrl = "http://127.0.0.1:9";

/** Runs with a folder of functions with these files, which is removed afterwards. */
async function withFunctions(
  files: Record<string, string>,
  run: (functionsDir: string) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "import-maps-" });
  const functionsDir = join(folder, "supabase", "functions");
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(functionsDir, path)), { recursive: true });
      await Deno.writeTextFile(join(functionsDir, path), text);
    }
    run(functionsDir);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const named = (map: string) => JSON.stringify({ imports: { which: `npm:${map}@1.0.0` } });

Deno.test("config.toml's import map comes first, then the function's own deno.json, then the shared one", () =>
  withFunctions({
    "import_map.json": named("shared"),
    "maps/mine.json": named("configured"),
    "own/deno.json": named("unread"),
    "plain/deno.jsonc": `// with a comment\n${named("own")}`,
  }, (functionsDir) => {
    const of = (name: string) =>
      modulesOf(name, {
        functionsDir,
        esmShUrl,
        configured: (asked) => asked === "own" ? "./functions/maps/mine.json" : undefined,
      }).imports["which"];
    assert.equal(of("own"), "npm:configured@1.0.0");
    assert.equal(of("plain"), "npm:own@1.0.0");
    assert.equal(of("other"), "npm:shared@1.0.0");
  }));

Deno.test("what is relative to the map's file is said in full, scopes too", () =>
  withFunctions({
    "import_map.json": JSON.stringify({
      imports: { "mine/": "./_shared/" },
      scopes: { "./_durable_responses/": { zod: "npm:zod@4.1.12" } },
    }),
  }, (functionsDir) => {
    const base = pathToFileURL(`${functionsDir}/`).href;
    const { imports, scopes } = modulesOf("any", {
      functionsDir,
      esmShUrl,
      configured: () => undefined,
    });
    assert.deepEqual(imports, { "mine/": `${base}_shared/` });
    assert.deepEqual(scopes, { [`${base}_durable_responses/`]: { zod: "npm:zod@4.1.12" } });
  }));

Deno.test("an import map that cannot be read is named, with what is wrong", () =>
  withFunctions({ "import_map.json": `{"imports": {"zod": 4}}` }, (functionsDir) => {
    assert.throws(
      () => modulesOf("any", { functionsDir, esmShUrl, configured: () => undefined }),
      /Cannot read the import map '.*import_map\.json': .*expected string/s,
    );
    assert.throws(
      () => modulesOf("any", { functionsDir, esmShUrl, configured: () => "gone.json" }),
      /Cannot read the import map '.*gone\.json': it does not exist\. Put it back .*, or correct config\.toml$/,
    );
  }));

Deno.test("a package that is installed in the very version comes from here, from esm.sh and npm alike", () => {
  const here = [
    ["https://esm.sh/zod@4.6.7", "/zod@4.6.7"],
    ["https://esm.sh/zod@4.6.7/", "/zod@4.6.7/"],
    ["https://esm.sh/openai@7.57.0?deps=zod@4.6.7", "/openai@7.57.0?deps=zod@4.6.7"],
    ["https://esm.sh/openai@7.57.0&deps=zod@4.6.7/", "/openai@7.57.0&deps=zod@4.6.7/"],
    [
      "https://esm.sh/@modelcontextprotocol/sdk@1.32.2&deps=zod@4.6.7/",
      "/@modelcontextprotocol/sdk@1.32.2&deps=zod@4.6.7/",
    ],
    ["npm:zod@4.6.7", "/zod@4.6.7"],
    ["npm:/deno-std@1.4.0/", "/deno-std@1.4.0/"],
    ["npm:@supabase/supabase-js@2.119.1", "/@supabase/supabase-js@2.119.1"],
  ] as const;
  for (const [address, path] of here) {
    assert.equal(broughtAddress(address, esmShUrl), esmShUrl + path, address);
  }
  const elsewhere = [
    "npm:zod@4.1.12",
    "npm:zod",
    "https://esm.sh/zod",
    "npm:hono@4.13.19",
    "jsr:@std/async@1.0.0",
    "https://deno.land/std@0.224.0/async/mod.ts",
    "node:path",
    "file:///tmp/zod@4.6.7",
  ];
  for (const address of elsewhere) assert.equal(broughtAddress(address, esmShUrl), address);
});

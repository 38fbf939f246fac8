/** Functions bundled into a few files: once, and again when a source changes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startEdge } from "../../packages/dev/edge/runtime.ts";
import { bundleFunctions } from "../../packages/dev/stack/bundle.ts";

const index = `
  import { word } from "../_shared/word.ts";
  const later = async () => (await import("../_shared/later.ts")).later;
  Deno.serve(async () => new Response(word + " " + await later()));
`;

interface Project {
  functionsDir: string;
  /** A path in it. */
  at(path: string): string;
  write(path: string, text: string): Promise<void>;
}

async function withProject(run: (project: Project) => Promise<void>): Promise<void> {
  const functionsDir = await Deno.makeTempDir({ prefix: "bundle-" });
  const at = (path: string) => join(functionsDir, path);
  const write = async (path: string, text: string) => {
    await Deno.mkdir(join(at(path), ".."), { recursive: true });
    await Deno.writeTextFile(at(path), text);
  };
  try {
    await write("say/index.ts", index);
    await write("_shared/word.ts", `export const word: string = "first";`);
    await write("_shared/later.ts", `export const later = "later";`);
    await run({ functionsDir, at, write });
  } finally {
    await Deno.remove(functionsDir, { recursive: true });
  }
}

/** The bundled function's answer, in a worker that can read only the bundle. */
async function said({ functionsDir }: Project, bundled: string): Promise<string> {
  const edge = startEdge({ functionsDir, bundled, env: {} });
  try {
    return await (await edge.fetch("say", new Request("http://edge/say"))).text();
  } finally {
    await edge.stop();
  }
}

Deno.test("a bundle is made once, and again when one of its sources changes", () =>
  withProject(async (project) => {
    const options = { functionsDir: project.functionsDir, replace: {} };
    const first = await bundleFunctions(options);
    assert.equal(await said(project, first), "first later");
    assert.equal(await bundleFunctions(options), first);
    await project.write("_shared/word.ts", `export const word: string = "another";`);
    const second = await bundleFunctions(options);
    assert.equal(await said(project, second), "another later");
    assert.equal(await said(project, first), "first later", "whoever has the earlier one keeps it");
  }));

Deno.test("a module can be replaced by another one", () =>
  withProject(async (project) => {
    await project.write("other.ts", `export const word = "replaced";`);
    const replace = { [project.at("_shared/word.ts")]: project.at("other.ts") };
    const bundled = await bundleFunctions({ functionsDir: project.functionsDir, replace });
    assert.equal(await said(project, bundled), "replaced later");
  }));

Deno.test("a function that cannot be bundled is named, with what is wrong", () =>
  withProject(async (project) => {
    await project.write("say/index.ts", `import "./gone.ts";`);
    await assert.rejects(
      bundleFunctions({ functionsDir: project.functionsDir, replace: {} }),
      /Cannot finish 'bundle functions'[^]*say\/index\.ts:1:7[^]*gone\.ts/,
    );
  }));

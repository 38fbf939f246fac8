/** Really runs groups of generated test files. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { findSharers, findTestFiles } from "./files.ts";
import { type GroupResult, runFailedAgain, runGroup } from "./run-groups.ts";

const passes = `Deno.test("it passes", () => {});`;
const fails = `Deno.test("it fails", () => { throw new Error("as it always does"); });`;
/** Fails in its first run, and passes after that. */
const flakes = `
  Deno.test("it flakes", () => {
    Deno.openSync(new URL("./ran", import.meta.url), { read: true, write: true, create: true }).close();
    const runs = Deno.readTextFileSync(new URL("./ran", import.meta.url)) + "x";
    Deno.writeTextFileSync(new URL("./ran", import.meta.url), runs);
    if (runs.length === 1) throw new Error("the first time");
  });`;
const long = `
  Deno.test("it is the long version", () => {
    if (Deno.env.get("DURABLE_RESPONSES_LONG") !== "1") throw new Error("it is the short one");
  });`;

/** Runs `run` with a folder that contains these files. */
async function withFiles(
  texts: Record<string, string>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dr-runner-" });
  try {
    for (const [name, text] of Object.entries(texts)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const groupOf = (...files: string[]) => ({ name: "made up", files, waits: false, together: false });
const soon = () => performance.now() + 60_000;

Deno.test("a group's tests are counted, and what failed is in its output", async () => {
  await withFiles({ "a.test.ts": passes, "b.test.ts": fails }, async (folder) => {
    const group = groupOf(join(folder, "a.test.ts"), join(folder, "b.test.ts"));
    const { passed, failed, output, loadPerCore } = await runGroup(group, { endAt: soon() });
    assert.deepEqual([passed, failed], [1, 1]);
    assert.match(output, /as it always does/);
    assert.ok(loadPerCore >= 0);
  });
});

Deno.test("files that run together load what they share once, and failures name their own file", async () => {
  const texts = {
    "shared.ts": `export const seen = { count: 0 };`,
    "a.test.ts":
      `import { seen } from "./shared.ts"; Deno.test("the first", () => void seen.count++);`,
    "b.test.ts":
      `import { seen } from "./shared.ts"; Deno.test("the second", () => { throw new Error("seen " + seen.count); });`,
  };
  await withFiles(texts, async (folder) => {
    const files = ["a.test.ts", "b.test.ts"].map((name) =>
      relative(projectRoot, join(folder, name))
    );
    const group = { ...groupOf(...files), together: true };
    const { passed, failed, output } = await runGroup(group, { endAt: soon() });
    assert.deepEqual([passed, failed], [1, 1]);
    assert.match(output, /seen 1/);
    assert.match(output, /^the second => .*b\.test\.ts:1:/m);
    const apart = await runGroup({ ...group, together: false }, { endAt: soon() });
    assert.match(apart.output, /seen 0/);
  });
});

Deno.test("what is shared by equal options starts once for files that run together, and once for each that does not", async () => {
  const support = pathToFileURL(join(projectRoot, "tests/support/shared.ts")).href;
  const texts = {
    "one.ts": `
      import { sharedBy } from ${JSON.stringify(support)};
      let started = 0;
      export const sharedThing = sharedBy(
        async (_, { size }: { size: number }) => ({ size, number: ++started, left: 0 }),
        async (thing) => { thing.left = 0; },
      );`,
    ...Object.fromEntries([["a", 1], ["b", 1], ["c", 2]].map(([name, size]) => [
      `${name}.test.ts`,
      `import { sharedThing } from "./one.ts";
      const theThing = sharedThing({ size: ${size} });
      Deno.test("${name}", () => {
        console.log("seen ${name}", JSON.stringify(theThing()));
        theThing().left++;
      });`,
    ])),
  };
  await withFiles(texts, async (folder) => {
    const files = ["a", "b", "c"].map((name) =>
      relative(projectRoot, join(folder, `${name}.test.ts`))
    );
    assert.deepEqual([...await findSharers(files)], files);
    const seen = async (together: boolean) => {
      const { failed, output } = await runGroup({ ...groupOf(...files), together }, {
        endAt: soon(),
      });
      assert.equal(failed, 0, output);
      return [...output.matchAll(/^seen \w .*/gm)].map(([line]) => line);
    };
    assert.deepEqual(await seen(true), [
      'seen a {"size":1,"number":1,"left":0}',
      'seen b {"size":1,"number":1,"left":0}',
      'seen c {"size":2,"number":2,"left":0}',
    ]);
    assert.deepEqual(await seen(false), [
      'seen a {"size":1,"number":1,"left":0}',
      'seen b {"size":1,"number":1,"left":0}',
      'seen c {"size":2,"number":1,"left":0}',
    ]);
  });
});

Deno.test("only groups that failed run again, and say that they did", async () => {
  const texts = { "a.test.ts": passes, "b.test.ts": fails, "c.test.ts": flakes };
  await withFiles(texts, async (folder) => {
    const seen: GroupResult[] = [];
    const options = { endAt: soon(), onResult: (result: GroupResult) => void seen.push(result) };
    const first: GroupResult[] = [];
    for (const name of Object.keys(texts)) {
      first.push(await runGroup(groupOf(join(folder, name)), options));
    }
    assert.deepEqual(first.map(({ failed }) => failed), [0, 1, 1]);
    const results = await runFailedAgain(first, options);
    assert.deepEqual(results.map(({ failed }) => failed), [0, 1, 0]);
    assert.deepEqual(results.map(({ failedFirst }) => failedFirst !== undefined), [
      false,
      true,
      true,
    ]);
    assert.deepEqual(seen, results.slice(1));
  });
});

Deno.test("what still runs when the time is up is stopped and has failed", async () => {
  const hangs = `Deno.test("it hangs", () => new Promise((r) => setTimeout(r, 60_000)));`;
  await withFiles({ "a.test.ts": hangs }, async (folder) => {
    const group = groupOf(join(folder, "a.test.ts"));
    const { failed, output } = await runGroup(group, { endAt: performance.now() + 500 });
    assert.equal(failed, 1);
    assert.match(output, /time was used up/);
  });
});

Deno.test("long versions run where they are asked for, and nowhere else", async () => {
  await withFiles({ "a.test.ts": passes, "b.long.test.ts": long }, async (folder) => {
    const names = async (options?: { long: boolean }) =>
      (await findTestFiles(folder, [], options)).map((path) => path.split("/").at(-1));
    assert.deepEqual(await names(), ["a.test.ts"]);
    assert.deepEqual(await names({ long: true }), ["a.test.ts", "b.long.test.ts"]);
    const group = groupOf(join(folder, "b.long.test.ts"));
    assert.equal((await runGroup(group, { endAt: soon(), long: true })).failed, 0);
    assert.equal((await runGroup(group, { endAt: soon() })).failed, 1);
  });
});

/** What a stack keeps from one run to the next, and what it refuses before it starts anything. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startStack } from "../../packages/dev/stack.ts";
import { forgetKept, openKept } from "../../packages/dev/stack/kept.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kept-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("secrets, passwords and the signing key are the same in the next run, for nobody else to read", () =>
  withFolder(async (folder) => {
    const first = await openKept(folder);
    assert.ok(first.isNew);
    first.state.sessions = [{ id: "a", userId: "b", refreshToken: "c" }];
    await Promise.all([first.save(), first.save()]);
    first.release();
    const next = await openKept(folder);
    assert.ok(!next.isNew);
    assert.deepEqual(next.state, first.state);
    next.release();
    const { mode } = await Deno.stat(join(folder, "stack.json"));
    assert.equal((mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("one stack at a time has the folder", () =>
  withFolder(async (folder) => {
    const first = await openKept(folder);
    const who = new RegExp(`process ${Deno.pid} is running on .* or run: kill ${Deno.pid}\\.`);
    await assert.rejects(openKept(folder), who);
    await assert.rejects(forgetKept(folder), who);
    first.release();
    (await openKept(folder)).release();
  }));

Deno.test("fresh forgets the database and the files too, and has nothing to forget the first time", () =>
  withFolder(async (folder) => {
    await forgetKept(folder);
    const kept = await openKept(folder);
    await Deno.mkdir(kept.databaseFolder);
    await Deno.mkdir(kept.storageFolder);
    kept.release();
    await forgetKept(folder);
    const next = await openKept(folder);
    next.release();
    assert.ok(next.isNew);
    assert.notEqual(next.state.userPassword, kept.state.userPassword);
    await assert.rejects(Deno.stat(kept.databaseFolder), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(kept.storageFolder), Deno.errors.NotFound);
  }));

Deno.test("what another release wrote is not guessed at", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "stack.json"), `{"secrets": {}}`);
    await assert.rejects(openKept(folder), /stack\.json': .*start with --fresh/);
    // The folder is not left locked either.
    await forgetKept(folder);
  }));

Deno.test("profiles that do not exist are refused before anything starts", async () => {
  await assert.rejects(
    startStack({ profiles: "nope.ts" }),
    /'profiles' must be a file, and 'nope\.ts' is none/,
  );
});

Deno.test("a fault that there is not is refused before anything starts", async () => {
  await assert.rejects(
    startStack({ faults: JSON.parse(`[{"kind": "background-fial"}]`) }),
    /Cannot set the faults:[^]*faults\[0\]\.kind/,
  );
  await assert.rejects(
    startStack({ faults: [{ kind: "stuck-queued" }], openai: { apiKey: "sk-x" } }),
    /they are the OpenAI stand-in's/,
  );
});

Deno.test("a folder that cannot be made is named, with what to do", async () => {
  const file = await Deno.makeTempFile();
  try {
    await assert.rejects(openKept(`${file}/data`), {
      message:
        /^Cannot keep the database in '.*\/data': .*\. Choose another folder \(dev: --data\)$/,
    });
  } finally {
    await Deno.remove(file);
  }
});

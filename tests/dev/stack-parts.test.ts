import assert from "node:assert/strict";
import { allStarted, StackParts } from "../../packages/dev/stack/parts.ts";

function part(name: string, stopped: string[]) {
  return { stop: () => Promise.resolve(void stopped.push(name)) };
}

Deno.test("parts are stopped in the reverse of the order they started in", async () => {
  const stopped: string[] = [];
  const parts = new StackParts();
  await parts.add(part("first", stopped));
  await parts.add(part("second", stopped));
  await parts.stop();
  await parts.stop();
  assert.deepEqual(stopped, ["second", "first"]);
});

Deno.test("a part that cannot stop does not keep the others from it", async () => {
  const stopped: string[] = [];
  const parts = new StackParts();
  await parts.add(part("first", stopped));
  await parts.add({ stop: () => Promise.reject(new Error("stuck")) });
  await assert.rejects(() => parts.stop(), /stuck/);
  assert.deepEqual(stopped, ["first"]);
});

Deno.test("a part that is ready only after the stop is stopped at once", async () => {
  const stopped: string[] = [];
  const parts = new StackParts();
  const late = Promise.withResolvers<ReturnType<typeof part>>();
  const adding = parts.add(late.promise);
  await parts.stop();
  late.resolve(part("late", stopped));
  await assert.rejects(() => adding, /stopped while it was starting/);
  assert.deepEqual(stopped, ["late"]);
});

Deno.test("when one part fails to start, the others are waited for before the failure is thrown", async () => {
  const slow = Promise.withResolvers<string>();
  let failed = false;
  const all = allStarted(slow.promise, Promise.reject(new Error("no port"))).catch((error) => {
    failed = true;
    return error.message;
  });
  await Promise.resolve();
  assert.equal(failed, false);
  slow.resolve("ready");
  assert.equal(await all, "no port");
});

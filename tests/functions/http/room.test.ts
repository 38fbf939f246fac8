/** Large bodies wait for room in memory, in order and with a limit. Small ones never wait. */
import assert from "node:assert/strict";
import { withRoom } from "../../../supabase/functions/_durable_responses/api/http/room.ts";
import { readJsonText } from "../../../supabase/functions/_durable_responses/api/http/body.ts";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { isLong } from "../../support/long.ts";
import * as z from "../../../supabase/functions/_durable_responses/model/zod.ts";

/** A request that keeps its room until the test ends it. */
function holder(bytes: number) {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const done = withRoom(async ({ takeRoom }) => {
    await takeRoom?.(bytes);
    begun.resolve();
    await end.promise;
  });
  return { begun: begun.promise, end: end.resolve, done };
}

const isPending = async (promise: Promise<unknown>) => {
  const pending = Symbol();
  return await Promise.race([promise, Promise.resolve(pending)]) === pending;
};

Deno.test("three photos of 10 MB have room; the next waits until one is done", async () => {
  const first = [holder(14_000_000), holder(14_000_000), holder(14_000_000)];
  await Promise.all(first.map(({ begun }) => begun));
  const [next, small] = [holder(14_000_000), holder(5_000_000)];
  // In order, so that smaller ones cannot overtake one forever.
  assert.deepEqual([await isPending(next.begun), await isPending(small.begun)], [true, true]);
  first[0]?.end();
  await Promise.all([next.begun, small.begun]);
  for (const each of [...first, next, small]) each.end();
  await Promise.all([...first, next, small].map(({ done }) => done));
});

Deno.test("what fails gives its room back", async () => {
  for (const _ of [1, 2, 3, 4]) {
    await assert.rejects(
      withRoom(async ({ takeRoom }) => {
        await takeRoom?.(24_000_000);
        throw new Error("it failed");
      }),
      /it failed/,
    );
  }
  const both = [holder(24_000_000), holder(24_000_000)];
  await Promise.all(both.map(({ begun }) => begun));
  for (const { end } of both) end();
  await Promise.all(both.map(({ done }) => done));
});

Deno.test({
  name: "who has waited for 20 s is told to come again, and leaves the line",
  ignore: !isLong,
  async fn() {
    const both = [holder(24_000_000), holder(24_000_000)];
    await Promise.all(both.map(({ begun }) => begun));
    await assert.rejects(
      withRoom(async ({ takeRoom }) => await takeRoom?.(2_000_000)),
      (error) => error instanceof RequestError && error.code === "overloaded",
    );
    for (const { end } of both) end();
    await Promise.all(both.map(({ done }) => done));
    await withRoom(async ({ takeRoom }) => await takeRoom?.(24_000_000));
  },
});

for (
  const [name, bytes, headers, taken] of [
    ["a small one takes none", 1000, { "content-length": "1000" }, []],
    ["a small one without a length takes none", 1000, {}, []],
    ["a large one takes what it says", 2_000_000, { "content-length": "2000000" }, [2_000_000]],
    ["a large one without a length takes the most", 2_000_000, {}, [24_000_000]],
  ] as const
) {
  Deno.test(name, async () => {
    const asked: number[] = [];
    const request = new Request("http://localhost/respond", {
      method: "POST",
      headers,
      body: new ReadableStream({
        start(controller) {
          const json = new TextEncoder().encode(JSON.stringify("x".repeat(bytes - 2)));
          for (let at = 0; at < json.length; at += 500_000) {
            controller.enqueue(json.subarray(at, at + 500_000));
          }
          controller.close();
        },
      }),
    });
    await withRoom(({ takeRoom, ...limits }) =>
      readJsonText(request, z.string(), {
        ...limits,
        takeRoom: async (wanted) => {
          asked.push(wanted);
          await takeRoom?.(wanted);
        },
      })
    );
    assert.deepEqual(asked, taken);
  });
}

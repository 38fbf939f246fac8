/** Where a page or a stream is to begin: a place that cannot be is refused, not taken for another one. */
import assert from "node:assert/strict";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

Deno.test("a place that a response does not have is a 400 that names the parameter", async () => {
  const { client } = theSdk();
  const { id } = await client.responses.create({ model: "plain", input: "Hello" });
  const after = await refusalOf(client.responses.inputItems.list(id, { after: "nope" }));
  assert.deepEqual([after.status, after.param], [400, "after"]);
  for (const place of [2 ** 31 - 1, 2 ** 31, 1e30, 1.5, -2, -3e9]) {
    const error = await refusalOf(
      client.responses.retrieve(id, { stream: true, starting_after: place }),
    );
    assert.deepEqual([error.status, error.param], [400, "starting_after"]);
  } // The last place that there can be is after the end: the stream ends as it did.
  const events = await Array.fromAsync(
    await client.responses.retrieve(id, { stream: true, starting_after: 2 ** 31 - 2 }),
  );
  assert.equal(events.at(-1)?.type, "response.completed");
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  itemIdOf,
  jobIdOf,
  placeOfItem,
  responseIdOf,
} from "../../supabase/functions/_durable_responses/model/ids.ts";

Deno.test("an id that was given out names its job and its place", () => {
  fc.assert(fc.property(
    fc.uuid(),
    fc.constantFrom("message", "mcp_call", "web_search_call", "mcp_approval_request", "a_new_kind"),
    fc.nat({ max: 999_999_999 }),
    (jobId, type, place) => {
      assert.deepEqual(placeOfItem(itemIdOf(jobId, type, place)), { jobId, place });
      assert.equal(jobIdOf(responseIdOf(jobId)), jobId);
    },
  ));
});

Deno.test("OpenAI's own ids, and what is cut or longer, name none of ours", () => {
  for (
    const id of [
      "",
      "msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b",
      "mcp_0123456789abcdef0123456789abcdef",
      "mcp_0123456789abcdef0123456789abcdef_",
      "mcp_0123456789abcdef0123456789abcdef_1x",
      "mcp_0123456789ABCDEF0123456789abcdef_1",
      "resp_0123456789abcdef0123456789abcdef",
    ]
  ) {
    assert.equal(placeOfItem(id), undefined, id);
  }
});

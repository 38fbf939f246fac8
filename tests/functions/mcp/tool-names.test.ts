import assert from "node:assert/strict";
import fc from "fast-check";
import { functionName } from "../../../supabase/functions/_durable_responses/tools/mcp/tool-names.ts";

Deno.test("a plain name is readable: server and tool", async () => {
  assert.equal(await functionName("mailbox", "gmail_find_email"), "mailbox__gmail_find_email");
  assert.equal(await functionName("my-mail", "get-sum"), "my-mail__get-sum");
});

Deno.test("dots, unicode and length: still a function's name, and still readable", async () => {
  assert.match(await functionName("files", "read.all"), /^files__read_all_[0-9a-f]{8}$/);
  assert.match(await functionName("files", "naïve поиск"), /^files__na_ve_[0-9a-f]{8}$/);
  assert.match(await functionName("files", "x".repeat(200)), /^files__x{48}_[0-9a-f]{8}$/);
});

Deno.test("two tools never have one name, whatever servers and tools are called", async () => {
  const word = fc.oneof(
    fc.string({
      unit: fc.constantFrom("a", "b", "_", "-", ".", "ä", "0"),
      minLength: 1,
      maxLength: 8,
    }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(word, word), { minLength: 2, maxLength: 30 }),
      async (pairs) => {
        const named = new Map<string, string>();
        for (const [server, tool] of pairs) {
          const name = await functionName(server, tool);
          assert.match(name, /^[\w-]{1,64}$/);
          const pair = JSON.stringify([server, tool]);
          assert.equal(named.get(name) ?? pair, pair);
          named.set(name, pair);
        }
      },
    ),
  );
});

Deno.test("names that would read alike are told apart", async () => {
  const alike: [string, string][] = [
    ["a", "b__c"],
    ["a__b", "c"],
    ["a_", "_b"],
    ["a", "_b"],
    ["a.b", "c"],
    ["a_b", "c"],
    ["a-b", "c"],
  ];
  const names = await Promise.all(alike.map(([server, tool]) => functionName(server, tool)));
  assert.equal(new Set(names).size, alike.length);
  const [hashed = ""] = await Promise.all([functionName("a", "b.c")]);
  assert.notEqual(await functionName("a", hashed.replace(/^a__/, "")), hashed);
});

/** A finished step in words: each kind by its own fields, and nothing for one that states nothing. */
import assert from "node:assert/strict";
import type { Item } from "../../../supabase/functions/_durable_responses/model/items.ts";
import { factOf } from "../../../supabase/functions/_durable_responses/run/step-facts.ts";

function told(item: Item, longest = Infinity): unknown {
  const fact = factOf({
    number: 1,
    attempt: 1,
    item_id: "i",
    kind: item.type,
    effect: null,
    server_label: null,
    tool: null,
    arguments: null,
    call_key: null,
    output: null,
    error: null,
    item,
    answer: null,
    answered_by: null,
  }, longest);
  return fact === null ? null : JSON.parse(fact);
}

const image = "iVBORw0KGgo".repeat(1_000);
const cases: [string, Item, unknown][] = [
  ["code and its logs", {
    type: "code_interpreter_call",
    id: "ci_1",
    code: "1 + 1",
    container_id: "c",
    outputs: [{ type: "logs", logs: "2" }, { type: "image", url: "https://files/1.png" }],
  }, { ran_code: "1 + 1", outputs: [{ logs: "2" }, { image: "https://files/1.png" }] }],
  ["a search of the web", {
    type: "web_search_call",
    id: "ws_1",
    status: "completed",
    action: { type: "search", query: "weather" },
  }, { searched_the_web: { type: "search", query: "weather" } }],
  ["a search that failed", {
    type: "web_search_call",
    id: "ws_1",
    status: "failed",
    action: { type: "search", query: "weather" },
  }, { searched_the_web: { type: "search", query: "weather" }, failed: true }],
  ["an image that was not made", {
    type: "image_generation_call",
    id: "ig_1",
    status: "failed",
    result: null,
  }, { tried_to_make_an_image: "ig_1", failed: true }],
  ["words of a language without spaces", {
    type: "file_search_call",
    id: "fs_1",
    queries: ["租金"],
    results: [{ filename: "lease.pdf", text: "租金是九百元。".repeat(400) }],
  }, {
    searched_files: ["租金"],
    results: [{ file: "lease.pdf", text: "租金是九百元。".repeat(400) }],
  }],
  ["a search of files", {
    type: "file_search_call",
    id: "fs_1",
    queries: ["rent"],
    results: [{ filename: "lease.pdf", file_id: "f", score: 1, text: "the rent is 900" }],
  }, { searched_files: ["rent"], results: [{ file: "lease.pdf", text: "the rent is 900" }] }],
  ["a custom tool's input", {
    type: "custom_tool_call",
    id: "ct_1",
    call_id: "call_1",
    name: "sql",
    input: "select 1",
  }, { called: "sql", input: "select 1", call: "call_1" }],
  ["its output", { type: "custom_tool_call_output", call_id: "call_1", output: "1" }, {
    output: "1",
    call: "call_1",
  }],
  ["an image by reference", {
    type: "image_generation_call",
    id: "ig_1",
    status: "completed",
    result: image,
    revised_prompt: "a cat",
  }, { made_an_image: "ig_1", prompt: "a cat" }],
  ["a kind of next year, by what it says", {
    type: "hologram_call",
    id: "h_1",
    status: "completed",
    shape: "cube",
    data: image,
  }, { done: "hologram_call", shape: "cube", data: "(data, not shown)" }],
  ["nothing that states nothing", { type: "hologram_call", id: "h_1", status: "completed" }, null],
];
for (const [name, item, expected] of cases) {
  Deno.test(`${item.type}: ${name}`, () => assert.deepEqual(told(item), expected));
}

Deno.test("what is too long is cut where a tool answered, and never where it was asked", () => {
  const long = "word ".repeat(1_000);
  assert.deepEqual(told({ type: "custom_tool_call", name: "sql", input: long }, 10), {
    called: "sql",
    input: long,
  });
  assert.deepEqual(told({ type: "custom_tool_call_output", output: long }, 10), {
    output: "word word … (5000 characters)",
  });
});

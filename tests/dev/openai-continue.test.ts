import assert from "node:assert/strict";
import OpenAI from "openai";
import { type Fixture, invoiceQuery, kinds, withStandIn } from "./openai-fixture.ts";
import { eventually } from "../support/eventually.ts";

type InputItem = OpenAI.Responses.ResponseInputItem;
type OutputItem = OpenAI.Responses.ResponseOutputItem;

const user: InputItem = { role: "user", content: [{ type: "input_text", text: invoiceQuery }] };
const find = "mcp_call:gmail_find_email";
const replyCall = "mcp_call:gmail_reply_to_email";
const withoutStore = { store: false, include: ["reasoning.encrypted_content" as const] };

/** All output items are valid input items, but their types say so only one by one. */
function asInput(items: readonly OutputItem[]): InputItem[] {
  return items.flatMap((item) =>
    item.type === "mcp_list_tools" || item.type === "mcp_call" || item.type === "reasoning" ||
      item.type === "message" || item.type === "mcp_approval_request"
      ? [item]
      : []
  );
}

/** The run that was cut may still make its next call, because only the client has left: this waits for its end. */
async function cutRunEnded({ openai, mailbox }: Fixture): Promise<void> {
  await eventually(
    "the end of the cut run and of its calls",
    () => openai.activeRuns() === 0 && mailbox.toolCalls.every((call) => call.outcome === "ok"),
  );
}

/** The finished items of a run that its client cut before the `stop`-th tool call. */
async function cutRun(
  client: OpenAI,
  mcp: OpenAI.Responses.Tool.Mcp,
  finished: number,
): Promise<OutputItem[]> {
  const stream = await client.responses.create({
    model: "o3",
    input: [user],
    tools: [mcp],
    stream: true,
    ...withoutStore,
  });
  const items: OutputItem[] = [];
  for await (const event of stream) {
    if (event.type === "response.output_item.done") items.push(event.item);
    if (items.length === finished) break;
  }
  return items;
}

Deno.test("a run cut after any item goes on from the saved items and sends one email", async () => {
  for (let finished = 1; finished <= 4; finished++) {
    await withStandIn(async (fixture) => {
      const { client, mcp, mailbox } = fixture;
      const saved = await cutRun(client, mcp, finished);
      await cutRunEnded(fixture);
      const callsBefore = mailbox.toolCalls.length;
      const response = await client.responses.create({
        model: "o3",
        input: [user, ...asInput(saved)],
        tools: [mcp],
        ...withoutStore,
      });
      const all = ["mcp_list_tools", "reasoning", find, replyCall, "message"];
      assert.deepEqual(kinds(saved), all.slice(0, finished));
      assert.deepEqual(kinds(response.output), all.slice(finished));
      assert.match(response.output_text, /Invoice 2041.*msg-200\d/s);
      const made = kinds(response.output).filter((kind) => kind.startsWith("mcp_call")).length;
      assert.equal(mailbox.toolCalls.length - callsBefore, made);
    }, { stepMs: 15 });
  }
});

Deno.test("one developer message with the finished calls does the same", async () => {
  await withStandIn(async (fixture) => {
    const { client, mcp, mailbox } = fixture;
    const saved = await cutRun(client, mcp, 3);
    await cutRunEnded(fixture);
    const sentBefore = mailbox.sent.length;
    const call = saved[2];
    assert.ok(call?.type === "mcp_call");
    const record = {
      tool: call.name,
      server_label: call.server_label,
      arguments: JSON.parse(call.arguments),
      output: call.output,
    };
    const line = JSON.stringify(record);
    const told = [
      `These calls are done. Do not repeat them.\n${line}\n`,
      JSON.stringify({ ...record, arguments: call.arguments }),
    ];
    for (const content of told) {
      const input: InputItem[] = [user, { role: "developer", content }];
      const response = await client.responses.create({ model: "o3", input, tools: [mcp] });
      assert.deepEqual(kinds(response.output), ["mcp_list_tools", replyCall, "message"]);
    }
    assert.equal(mailbox.sent.length - sentBefore, told.length);
  }, { stepMs: 15 });
});

Deno.test("what the input does not say is done is done again", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    const first = await client.responses.create({ model: "o3", input: [user], tools: [mcp] });
    const withoutReply = first.output.filter((item) => !kinds([item]).includes(replyCall))
      .filter((item) => item.type !== "message");
    const second = await client.responses.create({
      model: "o3",
      input: [user, ...asInput(withoutReply)],
      tools: [mcp],
    });
    assert.deepEqual(kinds(second.output), [replyCall, "message"]);
    assert.equal(mailbox.sent.length, 2);
    assert.equal(mailbox.sent[0]?.body, mailbox.sent[1]?.body);
  });
});

Deno.test("a scripted run of many calls goes on after those that are done", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    const query = '[[plan: call gmail_find_email {"query":"word-#"} x6; sleep 1ms; text ok]]';
    const calls = [1, 2, 4].map((n) => ({
      tool: "gmail_find_email",
      server_label: "mailbox",
      arguments: { query: `word-${n}` },
      output: "{}",
    }));
    await client.responses.create({
      model: "o3",
      input: [
        { role: "user", content: query },
        { role: "developer", content: calls.map((call) => JSON.stringify(call)).join("\n") },
      ],
      tools: [mcp],
    });
    assert.deepEqual(mailbox.toolCalls.map((call) => call.arguments["query"]), [
      "word-3",
      "word-5",
      "word-6",
    ]);
  });
});

Deno.test("items are checked: reasoning must be encrypted or stored, and nothing comes twice", async () => {
  await withStandIn(async ({ client }) => {
    const create = (input: InputItem[], rest = {}) =>
      client.responses.create({ model: "o3", input, ...rest });
    const unstored = await create(
      [{ role: "user", content: "[[plan: reason hm]]" }],
      withoutStore,
    );
    const reasoning = unstored.output[0];
    assert.ok(reasoning?.type === "reasoning");
    assert.ok(reasoning.encrypted_content);
    const { encrypted_content: _, ...bare } = reasoning;
    await assert.rejects(create([user, bare]), OpenAI.NotFoundError);
    await create([user, reasoning]);
    await assert.rejects(
      create([user, { ...reasoning, id: "rs_other" }]),
      (error) =>
        error instanceof OpenAI.BadRequestError && error.code === "invalid_encrypted_content",
    );
    await assert.rejects(create([user, reasoning, reasoning]), /Duplicate item found with id rs_/);
    const stored = await create([{ role: "user", content: "[[plan: reason hm]]" }]);
    await create([user, ...asInput(stored.output)]);
    await create([user, { type: "item_reference", id: stored.output[0]?.id ?? "" }]);
    await assert.rejects(
      create([{ role: "user", content: "x".repeat(1_700_000) }]),
      (error) =>
        error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded",
    );
  });
});

Deno.test("a tool that needs a yes parks the run, and goes on with the answer", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    const { require_approval: _, ...byDefault } = mcp;
    for (const approved of [true, false]) {
      for (const how of ["items", "previous"] as const) {
        mailbox.reset();
        const tools = [{
          ...mcp,
          require_approval: { never: { tool_names: ["gmail_find_email"] } },
        }];
        const asked: OpenAI.Responses.Response = await client.responses.create({
          model: "o3",
          input: [user],
          tools,
        });
        const request = asked.output.at(-1);
        assert.ok(request?.type === "mcp_approval_request");
        assert.equal(request.name, "gmail_reply_to_email");
        assert.equal(asked.status, "completed");
        assert.equal(mailbox.sent.length, 0);
        const answer: InputItem = {
          type: "mcp_approval_response",
          approval_request_id: request.id,
          approve: approved,
          ...(approved ? {} : { reason: "not on a Friday" }),
        };
        const response: OpenAI.Responses.Response = await client.responses.create({
          model: "o3",
          tools,
          ...(how === "items"
            ? { input: [user, ...asInput(asked.output), answer] }
            : { input: [answer], previous_response_id: asked.id }),
        });
        assert.deepEqual(kinds(response.output), approved ? [replyCall, "message"] : ["message"]);
        assert.equal(mailbox.sent.length, approved ? 1 : 0);
        const call = response.output[0];
        if (call?.type === "mcp_call") assert.equal(call.approval_request_id, request.id);
        else assert.match(response.output_text, /not approved \(not on a Friday\)/);
      }
    }
    const first = await client.responses.create({ model: "o3", input: [user], tools: [byDefault] });
    assert.equal(first.output.at(-1)?.type, "mcp_approval_request");
    const stray: InputItem = {
      type: "mcp_approval_response",
      approval_request_id: "mcpr_none",
      approve: true,
    };
    await assert.rejects(
      client.responses.create({ model: "o3", input: [user, stray] }),
      /mcpr_none/,
    );
  });
});

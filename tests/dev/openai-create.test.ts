import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { invoiceQuery, kinds, testKey, withStandIn } from "./openai-fixture.ts";

Deno.test("a foreground request with an MCP tool really finds and answers the email", async () => {
  await withStandIn(async ({ client, mcp, mailbox, openai }) => {
    const { data: response, request_id } = await client.responses
      .create({ model: "gpt-5.6-terra", input: invoiceQuery, tools: [mcp], metadata: { job: "1" } })
      .withResponse();
    assert.equal(response.status, "completed");
    assert.deepEqual(kinds(response.output), [
      "mcp_list_tools",
      "reasoning",
      "mcp_call:gmail_find_email",
      "mcp_call:gmail_reply_to_email",
      "message",
    ]);
    assert.match(response.output_text, /Nora Lind.*Invoice 2041.*msg-2001/s);
    assert.equal(mailbox.sent.length, 1);
    assert.equal(mailbox.sent[0]?.body, "We will pay on Friday.");
    assert.deepEqual(response.metadata, { job: "1" });
    assert.match(request_id ?? "", /^req_/);
    assert.ok((response.usage?.total_tokens ?? 0) > 0);
    assert.equal(openai.counts().create, 1);
  });
});

Deno.test("credentials of MCP servers are neither echoed nor recorded", async () => {
  await withStandIn(async ({ client, mcp, openai }) => {
    const { headers: _, ...bare } = mcp;
    const tools = [mcp, { ...bare, server_label: "other", authorization: "mailbox-token" }];
    const response = await client.responses.create({ model: "gpt-5.6-terra", input: "hi", tools });
    for (const seen of [response, await client.responses.retrieve(response.id), openai.requests]) {
      assert.ok(!JSON.stringify(seen).includes("mailbox-token"));
      assert.ok(!JSON.stringify(seen).includes(testKey));
    }
  });
});

Deno.test("a plan that cannot be read is refused, in background too, and is no failure to repeat", async () => {
  await withStandIn(async ({ client, openai }) => {
    openai.plan("my order", "text It is on its way");
    for (const background of [false, true]) {
      const input = "Hello [[plan: cal send]]";
      await assert.rejects(client.responses.create({ model: "o3", input, background }), {
        status: 400,
        param: "input",
        message: /Cannot read the step 'cal send': it must begin with call, reason, text/,
      });
    }
    const { output_text } = await client.responses.create({ model: "o3", input: "my order?" });
    assert.equal(output_text, "It is on its way");
    assert.equal(openai.activeRuns(), 0);
  });
});

Deno.test("the report's minimal input lists the tools and answers", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    const response = await client.responses.create({ model: "o3", input: "test", tools: [mcp] });
    assert.deepEqual(kinds(response.output), ["mcp_list_tools", "message"]);
    assert.equal(mailbox.toolCalls.length, 0);
  });
});

Deno.test("allowed_tools hides tools, by name and by filter", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    for (const allowed_tools of [["gmail_find_email"], { read_only: true }]) {
      const tools = [{ ...mcp, allowed_tools }];
      const response = await client.responses.create({ model: "o3", input: invoiceQuery, tools });
      const list = response.output[0];
      assert.ok(list?.type === "mcp_list_tools");
      assert.deepEqual(list.tools.map((tool) => tool.name), ["gmail_find_email"]);
      assert.equal(mailbox.sent.length, 0);
    }
  });
});

Deno.test("zodTextFormat is answered with JSON that fits, or with the planned one", async () => {
  await withStandIn(async ({ client, mcp, openai }) => {
    const Answer = z.object({
      summary: z.string(),
      subject: z.string(),
      replied: z.boolean(),
      emails_sent: z.number().int().min(0),
      mood: z.enum(["calm", "cross"]),
      notes: z.array(z.object({ at: z.iso.date(), text: z.string().nullable() })).min(2),
    });
    const parse = async (input: string) => {
      const response = await client.responses.parse({
        model: "gpt-5.6-terra",
        input,
        tools: [mcp],
        text: { format: zodTextFormat(Answer, "answer") },
      });
      return response.output_parsed;
    };
    const made = await parse(invoiceQuery);
    assert.ok((made?.notes.length ?? 0) >= 2);
    const planned = { ...made, subject: "Invoice; paid", replied: true, emails_sent: 1 };
    openai.plan("How many", `text ${JSON.stringify(planned)}`);
    assert.deepEqual(await parse("How many emails were sent?"), planned);
  });
});

Deno.test("max_output_tokens cuts the answer and says so", async () => {
  await withStandIn(async ({ client }) => {
    const response = await client.responses.create({
      model: "o3",
      input: "[[plan: text 200 deltas]]",
      max_output_tokens: 16,
    });
    assert.equal(response.status, "incomplete");
    assert.equal(response.incomplete_details?.reason, "max_output_tokens");
  });
});

Deno.test("store false is not kept, and a deleted response is gone", async () => {
  await withStandIn(async ({ client }) => {
    const unstored = await client.responses.create({ model: "o3", input: "hi", store: false });
    await assert.rejects(client.responses.retrieve(unstored.id), OpenAI.NotFoundError);
    const stored = await client.responses.create({ model: "o3", input: "hi" });
    await client.responses.delete(stored.id);
    await assert.rejects(client.responses.retrieve(stored.id), OpenAI.NotFoundError);
  });
});

Deno.test("input_items lists the request's input, newest first, in pages", async () => {
  await withStandIn(async ({ client }) => {
    const response = await client.responses.create({
      model: "o3",
      input: [1, 2, 3].map((n) => ({ role: "user" as const, content: `message ${n}` })),
    });
    const seen: string[] = [];
    for await (const item of client.responses.inputItems.list(response.id, { limit: 2 })) {
      assert.ok(item.type === "message");
      seen.push(JSON.stringify(item.content));
    }
    assert.deepEqual(seen, ['"message 3"', '"message 2"', '"message 1"']);
  });
});

Deno.test("wrong requests are refused as OpenAI words it, with the SDK's error classes", async () => {
  await withStandIn(async ({ client, openai, mcp }) => {
    const cases: [
      body: Record<string, unknown>,
      param: string | null,
      code: string,
      words: RegExp,
    ][] = [
      [
        { input: "x" },
        "model",
        "missing_required_parameter",
        /Missing required parameter: 'model'/,
      ],
      [{ model: "o3" }, "input", "missing_required_parameter", /'input'/],
      [{ model: "o3", input: "x", foo: 1 }, "foo", "unknown_parameter", /Unknown parameter: 'foo'/],
      [
        { model: "o3", input: "x", background: "yes" },
        "background",
        "invalid_type",
        /expected a boolean, but got a string instead/,
      ],
      [
        { model: "o3", input: [{ role: "robot", content: "x" }] },
        "input[0].role",
        "invalid_value",
        /'robot'.*Supported values are: 'user'/,
      ],
      [
        { model: "o3", input: [{ type: "nonsense" }] },
        "input[0].type",
        "invalid_value",
        /'nonsense'/,
      ],
      [
        { model: "o3", input: "x", tools: [{ type: "mcp", server_url: mcp.server_url }] },
        "tools[0].server_label",
        "missing_required_parameter",
        /tools\[0\]\.server_label/,
      ],
      [
        { model: "o3", input: "x", background: true, store: false },
        "store",
        "invalid_value",
        /Background mode requires/,
      ],
      [
        { model: "o3", input: "x", metadata: { long: "x".repeat(513) } },
        "metadata.long",
        "string_above_max_length",
        /maximum length 512, but got a string with length 513/,
      ],
      [
        { model: "o3", input: "x", previous_response_id: "resp_none" },
        "previous_response_id",
        "previous_response_not_found",
        /resp_none/,
      ],
    ];
    for (const [body, param, code, words] of cases) {
      const error = await client.post("/responses", { body }).then(
        () => assert.fail(`accepted ${JSON.stringify(body)}`),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.deepEqual([error.param, error.code], [param, code]);
      assert.match(error.message, words);
      assert.match(error.requestID ?? "", /^req_/);
    }
    const stranger = new OpenAI({ apiKey: "sk-other", baseURL: openai.url, maxRetries: 0 });
    await assert.rejects(
      stranger.responses.create({ model: "o3", input: "x" }),
      (error) =>
        error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key" &&
        !error.message.includes("other"),
    );
    const notJson = await fetch(`${openai.url}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${testKey}` },
      body: "{",
    });
    assert.equal(notJson.status, 400);
    assert.match(await notJson.text(), /could not parse the JSON body/);
  });
});

Deno.test("a tool server that cannot be reached or refuses is a 424", async () => {
  await withStandIn(async ({ client, mcp }) => {
    for (
      const tool of [{ ...mcp, headers: { Authorization: "Bearer wrong" } }, {
        ...mcp,
        server_url: "http://127.0.0.1:9/mcp",
      }]
    ) {
      await assert.rejects(
        client.responses.create({ model: "o3", input: invoiceQuery, tools: [tool] }),
        (error) =>
          error instanceof OpenAI.APIError && error.status === 424 &&
          error.message.includes("Error retrieving tool list from MCP server: 'mailbox'"),
      );
    }
  });
});

Deno.test("a tool that fails leaves a failed mcp_call in a completed response", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    mailbox.fail({
      tool: "gmail_reply_to_email",
      when: "before",
      message: "quota of Gmail used up",
    });
    const response = await client.responses.create({
      model: "o3",
      input: invoiceQuery,
      tools: [mcp],
    });
    const call = response.output.find((item) =>
      item.type === "mcp_call" && item.name === "gmail_reply_to_email"
    );
    assert.ok(call?.type === "mcp_call");
    assert.equal(response.status, "completed");
    assert.equal(call.status, "failed");
    assert.equal(call.error?.type, "mcp_tool_execution_error");
    assert.match(response.output_text, /quota of Gmail used up/);
    mailbox.fail({ tool: "gmail_reply_to_email", when: "die" });
    const dead = await client.responses.create({ model: "o3", input: invoiceQuery, tools: [mcp] });
    const lost = dead.output.find((item) => item.type === "mcp_call" && item.status === "failed");
    assert.ok(lost?.type === "mcp_call" && lost.error?.type === "http_error");
    assert.equal(mailbox.sent.length, 1);
  });
});

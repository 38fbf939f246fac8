import assert from "node:assert/strict";
import OpenAI from "openai";
import {
  final,
  invoiceQuery,
  kinds,
  testKey,
  testWebhookSecret,
  withStandIn,
} from "./openai-fixture.ts";
import { eventually } from "../support/eventually.ts";

Deno.test("by default background with an MCP tool fails with the field's error, and no tool runs", async () => {
  await withStandIn(async ({ client, mcp, mailbox, openai, arrived }) => {
    const accepted = await client.responses.create({
      model: "o3",
      input: invoiceQuery,
      tools: [mcp],
      background: true,
      metadata: { job_id: "j1" },
    });
    assert.equal(accepted.status, "queued");
    const response = await final(client, accepted.id);
    assert.equal(response.status, "failed");
    assert.equal(response.error?.code, "server_error");
    assert.match(
      response.error?.message ?? "",
      /^An error occurred while processing your request\. .*request ID wfr_[0-9a-f]{32} in your message\.$/,
    );
    assert.deepEqual(response.metadata, { job_id: "j1" });
    assert.deepEqual(response.output, []);
    assert.equal(mailbox.toolCalls.length, 0);

    await openai.webhooks.idle();
    const webhook = arrived[0];
    assert.ok(webhook);
    const event = await client.webhooks.unwrap(webhook.body, webhook.headers, testWebhookSecret);
    assert.equal(event.type, "response.failed");
    assert.deepEqual(event.data, { id: accepted.id });
    assert.match(event.id, /^evt_/);
  });
});

Deno.test("background works with no tool and with a native one", async () => {
  await withStandIn(async ({ client, arrived, openai }) => {
    for (const tools of [[], [{ type: "web_search" as const }]]) {
      const accepted = await client.responses.create({
        model: "o3",
        input: tools.length === 0 ? "hi" : "What is new in Lisbon? [[plan: search Lisbon]]",
        tools,
        background: true,
      });
      const response = await final(client, accepted.id);
      assert.equal(response.status, "completed");
      assert.deepEqual(
        kinds(response.output),
        tools.length === 0 ? ["message"] : ["web_search_call", "message"],
      );
    }
    await openai.webhooks.idle();
    assert.deepEqual(arrived.map(({ body }) => JSON.parse(body).type), [
      "response.completed",
      "response.completed",
    ]);
  });
});

Deno.test("with the bug off, background runs the tools", async () => {
  await withStandIn(async ({ client, mcp, mailbox, openai }) => {
    openai.faults.set([{ kind: "background-works", times: 1 }]);
    const request = { model: "o3", input: invoiceQuery, tools: [mcp], background: true };
    const { id } = await client.responses.create(request);
    assert.equal((await final(client, id)).status, "completed");
    assert.equal(mailbox.sent.length, 1);
    const second = await client.responses.create(request);
    assert.equal((await final(client, second.id)).status, "failed");
  });
});

Deno.test("cancel is for background responses, is told by webhook, and twice is safe", async () => {
  await withStandIn(async ({ client, openai, arrived }) => {
    openai.faults.set([{ kind: "stuck-in-progress" }]);
    const { id } = await client.responses.create({ model: "o3", input: "hi", background: true });
    await eventually(
      "progress",
      async () => (await client.responses.retrieve(id)).status === "in_progress",
    );
    assert.equal((await client.responses.cancel(id)).status, "cancelled");
    assert.equal((await client.responses.cancel(id)).status, "cancelled");
    await openai.idle();
    await openai.webhooks.idle();
    assert.deepEqual(arrived.map(({ body }) => JSON.parse(body).type), ["response.cancelled"]);

    const foreground = await client.responses.create({ model: "o3", input: "hi" });
    await assert.rejects(client.responses.cancel(foreground.id), OpenAI.BadRequestError);
    await assert.rejects(client.responses.cancel("resp_none"), OpenAI.NotFoundError);
  });
});

Deno.test("a webhook that gets no 2xx comes again with the same id", async () => {
  await withStandIn(async ({ client, openai, arrived, answers }) => {
    answers.push(500, 503);
    const { id } = await client.responses.create({ model: "o3", input: "hi", background: true });
    await final(client, id);
    await eventually("three deliveries", () => arrived.length === 3);
    await openai.webhooks.idle();
    assert.equal(new Set(arrived.map(({ headers }) => headers.get("webhook-id"))).size, 1);
    assert.deepEqual(openai.webhooks.deliveries.map(({ status }) => status), [500, 503, 200]);
  });
});

Deno.test("webhooks are lost, doubled, delayed, forged and swapped on request", async () => {
  await withStandIn(async ({ client, openai, arrived }) => {
    const run = async () => {
      const { id } = await client.responses.create({ model: "o3", input: "hi", background: true });
      await final(client, id);
      return id;
    };
    const types = () => arrived.splice(0).map(({ body }) => JSON.parse(body).data.id);

    openai.webhooks.faults.set([{ kind: "lose", times: 1 }, { kind: "double", times: 1 }]);
    await run();
    await openai.webhooks.idle();
    assert.deepEqual(types(), []);
    const doubled = await run();
    await openai.webhooks.idle();
    assert.deepEqual(types(), [doubled, doubled]);

    openai.webhooks.faults.set([{ kind: "disorder", times: 1 }]);
    const first = await run();
    const second = await run();
    await openai.webhooks.idle();
    assert.deepEqual(types(), [second, first]);

    for (const how of ["secret", "timestamp", "body"] as const) {
      openai.webhooks.faults.set([{ kind: "forge", how, times: 1 }]);
      await run();
      await openai.webhooks.idle();
      const [forged, real] = arrived.splice(0);
      assert.ok(forged && real);
      await assert.rejects(client.webhooks.unwrap(forged.body, forged.headers, testWebhookSecret));
      await client.webhooks.unwrap(real.body, real.headers, testWebhookSecret);
    }
    openai.webhooks.faults.clear();
    const status = await openai.webhooks.send({
      type: "response.completed",
      responseId: "resp_x",
      forge: "secret",
    });
    assert.equal(status, 200);
  });
});

Deno.test("faults are set from another process over HTTP, with the key", async () => {
  await withStandIn(async ({ client, openai }) => {
    const call = async (method: string, body?: unknown, key = testKey) => {
      const response = await fetch(`${openai.origin}/__faults`, {
        method,
        headers: { authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    };
    const set = { faults: [{ kind: "http-error", status: 418, times: 1 }], webhooks: [] };
    assert.deepEqual(await call("POST", set), { status: 200, body: set });
    await assert.rejects(client.responses.create({ model: "o3", input: "hi" }), /418/);
    assert.deepEqual((await call("GET")).body.faults, []);
    assert.equal((await call("POST", { faults: [{ kind: "nonsense" }] })).status, 400);
    assert.equal((await call("DELETE", undefined, "sk-wrong")).status, 401);
    await call("POST", { webhooks: [{ kind: "lose" }] });
    assert.deepEqual((await call("DELETE")).body, { faults: [], webhooks: [] });
  });
});

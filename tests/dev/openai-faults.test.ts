import assert from "node:assert/strict";
import OpenAI from "openai";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import { final, type Fixture, invoiceQuery, kinds, withStandIn } from "./openai-fixture.ts";
import { eventually } from "../support/eventually.ts";

type Event = OpenAI.Responses.ResponseStreamEvent;

/** The error with which a foreground request with MCP ends under a fault. */
async function refusal({ openai, client, mcp }: Fixture, fault: Fault) {
  openai.faults.set([fault]);
  const error = await client.responses.create({ model: "o3", input: invoiceQuery, tools: [mcp] })
    .then(() => assert.fail("was accepted"), (reason: unknown) => reason);
  openai.faults.clear();
  assert.ok(error instanceof Error);
  return error;
}

/** A streamed request under a fault: its events, and the error with which it ends. */
async function streamed({ openai, client, mcp }: Fixture, fault: Fault) {
  openai.faults.set([{ ...fault, times: 1 }]);
  const events: Event[] = [];
  try {
    const stream = await client.responses.create({
      model: "o3",
      input: invoiceQuery,
      tools: [mcp],
      stream: true,
    });
    for await (const event of stream) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

/** The final response of a background request with MCP under a fault. */
async function background({ openai, client, mcp }: Fixture, fault: Fault) {
  openai.faults.set([fault]);
  const request = { model: "o3", input: invoiceQuery, tools: [mcp], background: true };
  return await final(client, (await client.responses.create(request)).id);
}

Deno.test("refusals at create come as the SDK's error classes", async () => {
  await withStandIn(async (fixture) => {
    const limited = await refusal(fixture, { kind: "rate-limited", retryAfterMs: 1500 });
    assert.ok(limited instanceof OpenAI.RateLimitError);
    assert.equal(limited.code, "rate_limit_exceeded");
    assert.equal(limited.headers?.get("retry-after"), "2");
    assert.equal(limited.headers?.get("retry-after-ms"), "1500");

    const quota = await refusal(fixture, { kind: "quota" });
    assert.ok(quota instanceof OpenAI.RateLimitError);
    assert.equal(quota.code, "insufficient_quota");
    assert.equal(quota.headers?.get("retry-after"), null);

    const unlisted = await refusal(fixture, { kind: "tool-list-failed" });
    assert.ok(unlisted instanceof OpenAI.APIError);
    assert.equal(unlisted.status, 424);

    for (const status of [500, 502, 503]) {
      const broken = await refusal(fixture, { kind: "server-error", status });
      assert.ok(broken instanceof OpenAI.InternalServerError);
      assert.equal(broken.status, status);
    }
    const denied = await refusal(fixture, { kind: "http-error", status: 403, message: "no" });
    assert.ok(denied instanceof OpenAI.PermissionDeniedError);

    const garbage = await refusal(fixture, { kind: "garbage" });
    assert.ok(garbage instanceof SyntaxError);
    assert.equal(fixture.mailbox.toolCalls.length, 0);
  });
});

Deno.test("background can be refused at create, and only background is", async () => {
  await withStandIn(async ({ openai, client, mcp }) => {
    openai.faults.set([{ kind: "background-unsupported" }]);
    const request = { model: "o3", input: invoiceQuery, tools: [mcp] };
    await assert.rejects(
      client.responses.create({ ...request, background: true }),
      (error) =>
        error instanceof OpenAI.BadRequestError && error.code === "unsupported_parameter" &&
        error.param === "background",
    );
    assert.equal((await client.responses.create(request)).status, "completed");
  });
});

Deno.test("a background response is stuck in queued until it is cancelled", async () => {
  await withStandIn(async ({ openai, client, mcp }) => {
    openai.faults.set([{ kind: "stuck-queued" }]);
    const request = { model: "o3", input: invoiceQuery, tools: [mcp], background: true };
    const { id } = await client.responses.create(request);
    await eventually("the run", () => openai.activeRuns() === 1);
    assert.equal((await client.responses.retrieve(id)).status, "queued");
    assert.equal((await client.responses.cancel(id)).status, "cancelled");
  });
});

Deno.test("a background response fails after its tools really ran, with their items", async () => {
  await withStandIn(async (fixture) => {
    const response = await background(fixture, { kind: "fails-after-tools" });
    assert.equal(response.status, "failed");
    assert.equal(response.error?.code, "server_error");
    assert.deepEqual(kinds(response.output).filter((kind) => kind.startsWith("mcp_call")), [
      "mcp_call:gmail_find_email",
      "mcp_call:gmail_reply_to_email",
    ]);
    assert.equal(fixture.mailbox.sent.length, 1);
  });
});

Deno.test("quota runs out after acceptance", async () => {
  await withStandIn(async (fixture) => {
    const response = await background(fixture, { kind: "quota", when: "accepted" });
    assert.match(response.error?.message ?? "", /exceeded your current quota/);
    assert.equal(fixture.mailbox.toolCalls.length, 0);
  });
});

Deno.test("a background response fails with any error, after any time", async () => {
  await withStandIn(async (fixture) => {
    const fault = { kind: "background-fails", code: "invalid_prompt", message: "no", afterMs: 1 };
    const response = await background(fixture, { ...fault, kind: "background-fails" });
    assert.deepEqual([response.error?.code, response.error?.message], ["invalid_prompt", "no"]);
  });
});

Deno.test("a run ends incomplete, with a cut message", async () => {
  await withStandIn(async ({ openai, client }) => {
    openai.faults.set([{ kind: "incomplete", reason: "content_filter" }]);
    const response = await client.responses.create({ model: "o3", input: "hello there" });
    assert.equal(response.status, "incomplete");
    assert.equal(response.incomplete_details?.reason, "content_filter");
    const message = response.output.at(-1);
    assert.ok(message?.type === "message" && message.status === "incomplete");
  });
});

Deno.test("a stream is cut: the SDK throws, the run ends", async () => {
  await withStandIn(async (fixture) => {
    const { events, error } = await streamed(fixture, { kind: "cut-mid-stream", afterEvents: 4 });
    assert.equal(events.length, 4);
    assert.ok(error instanceof Error);
    await fixture.openai.idle();
    assert.equal(fixture.mailbox.sent.length, 0);
  });
});

Deno.test("a stream is cut while a certain tool call is in flight", async () => {
  await withStandIn(async (fixture) => {
    const { events } = await streamed(fixture, {
      kind: "cut-mid-stream",
      afterType: "response.mcp_call_arguments.done",
      nth: 2,
    });
    assert.equal(events.at(-1)?.type, "response.mcp_call_arguments.done");
    await eventually("the email", () => fixture.mailbox.sent.length === 1);
  });
});

Deno.test("a stream ends cleanly without its terminal event: the SDK says nothing", async () => {
  await withStandIn(async (fixture) => {
    const { events, error } = await streamed(fixture, { kind: "clean-end" });
    assert.equal(error, undefined);
    assert.equal(events.at(-1)?.type, "response.output_item.done");
    const short = await streamed(fixture, { kind: "clean-end", afterEvents: 2 });
    assert.equal(short.events.length, 2);
  });
});

Deno.test("a stream stalls until its client gives up", async () => {
  await withStandIn(async ({ openai, client }) => {
    openai.faults.set([{ kind: "stall", afterEvents: 2 }]);
    const stream = await client.responses.create({ model: "o3", input: "hi", stream: true });
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    const silence = events.next();
    await eventually("the run's end", () => openai.activeRuns() === 0);
    stream.controller.abort();
    assert.equal((await silence).done, true);
  });
});

Deno.test("a stream turns into garbage, or into an error event", async () => {
  await withStandIn(async (fixture) => {
    const garbage = await streamed(fixture, { kind: "garbage", afterEvents: 2 });
    assert.ok(garbage.error instanceof SyntaxError);
    const failing = await streamed(fixture, {
      kind: "error-event",
      afterEvents: 2,
      code: "rate_limit_exceeded",
    });
    assert.ok(failing.error instanceof OpenAI.APIError);
    assert.equal(failing.error.status, undefined);
    assert.equal(failing.error.code, "rate_limit_exceeded");
  });
});

Deno.test("items of an earlier run are refused, and only they are", async () => {
  await withStandIn(async (fixture) => {
    const { client, openai } = fixture;
    openai.faults.set([{ kind: "refuse-items" }]);
    const earlier = {
      type: "mcp_call" as const,
      id: "mcp_1",
      name: "gmail_find_email",
      server_label: "mailbox",
      arguments: "{}",
      output: "{}",
    };
    const user = { role: "user" as const, content: "hi" };
    await assert.rejects(
      client.responses.create({ model: "o3", input: [user, earlier] }),
      OpenAI.BadRequestError,
    );
    assert.equal(
      (await client.responses.create({ model: "o3", input: [user] })).status,
      "completed",
    );
  });
});

Deno.test("a lost create runs, and its caller learns nothing", async () => {
  await withStandIn(async (fixture) => {
    const error = await refusal(fixture, { kind: "create-lost" });
    assert.ok(error instanceof OpenAI.APIConnectionError);
    await eventually("the email", () => fixture.mailbox.sent.length === 1);
    fixture.openai.faults.set([{ kind: "create-lost" }, { kind: "background-works" }]);
    const { client, mcp } = fixture;
    const request = { model: "o3", input: invoiceQuery, tools: [mcp], background: true };
    const noReuse = { headers: { connection: "close" } };
    await assert.rejects(client.responses.create(request, noReuse), OpenAI.APIConnectionError);
    await eventually("the second email", () => fixture.mailbox.sent.length === 2);
    await fixture.openai.idle();
    assert.equal(fixture.openai.counts().create, 2);
  });
});

Deno.test("a slow tool holds back its result, and ends the run with 424 beyond the limit", async () => {
  await withStandIn(async (fixture) => {
    const error = await refusal(fixture, {
      kind: "mcp-tool-slow",
      tool: "gmail_reply_to_email",
      ms: 10_000,
    });
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.status, 424);
    assert.equal(fixture.mailbox.sent.length, 1);
    fixture.openai.faults.set([{ kind: "mcp-tool-slow", ms: 1 }]);
    const { client, mcp } = fixture;
    const response = await client.responses.create({
      model: "o3",
      input: invoiceQuery,
      tools: [mcp],
    });
    assert.equal(response.status, "completed");
  }, { mcpTimeoutMs: 400 });
});

Deno.test("a slow answer outlasts the SDK's timeout", async () => {
  await withStandIn(async ({ openai, client }) => {
    openai.faults.set([{ kind: "slow", ms: 10_000 }]);
    await assert.rejects(
      client.responses.create({ model: "o3", input: "hi" }, { timeout: 50 }),
      OpenAI.APIConnectionTimeoutError,
    );
    await eventually("the hang-up", () => openai.requests[0]?.aborted);
  });
});

Deno.test("faults match by metadata, model, query and endpoint, strike so many times, and by chance", async () => {
  await withStandIn(async ({ openai, client }) => {
    const status = (request: { metadata?: Record<string, string>; input?: string }) =>
      client.responses.create({ model: "o3", input: "hi", ...request }).then(
        () => 200,
        (error: unknown) => error instanceof OpenAI.APIError ? error.status : 0,
      );
    openai.faults.set([
      { kind: "http-error", status: 409, match: { metadata: { profile: "mail" } }, times: 2 },
      { kind: "http-error", status: 408, match: { queryIncludes: "slow" } },
    ]);
    const metadata = { profile: "mail", job: "1" };
    assert.deepEqual(
      [
        await status({}),
        await status({ metadata }),
        await status({ input: "slowly" }),
        await status({ metadata }),
        await status({ metadata }),
      ],
      [200, 409, 408, 409, 200],
    );
    openai.faults.set([{ kind: "server-error", match: { endpoint: "retrieve" }, times: 1 }]);
    const { id } = await client.responses.create({ model: "o3", input: "hi" });
    await assert.rejects(client.responses.retrieve(id), OpenAI.InternalServerError);
    assert.equal((await client.responses.retrieve(id)).id, id);

    openai.faults.set([{ kind: "server-error", probability: 0.5 }]);
    const outcomes: (number | undefined)[] = [];
    for (let request = 0; request < 12; request++) outcomes.push(await status({}));
    assert.ok(outcomes.includes(200) && outcomes.includes(500), outcomes.join());
  });
});

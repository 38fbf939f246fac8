import assert from "node:assert/strict";
import { outsideOf } from "../../scripts/demo/outside.ts";
import { mailPlans } from "../../scripts/demo/scenarios/mail.ts";
import { startOpenAI } from "../../packages/dev/openai/mod.ts";
import { reportIn, runDemo } from "./run-demo.ts";

const theirKey = "sk-somebody-elses";

Deno.test("with OPENAI_API_KEY and OPENAI_BASE_URL the demo talks to that server, and polling stands in for its webhooks", async () => {
  await using parts = new AsyncDisposableStack();
  const openai = await startOpenAI({
    apiKey: theirKey,
    webhookSecret: `whsec_${btoa("unused")}`,
    plans: mailPlans,
  });
  parts.defer(() => openai.stop());
  const run = await runDemo(["--json"], { OPENAI_API_KEY: theirKey, OPENAI_BASE_URL: openai.url });
  const report = reportIn(run);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(report.job?.fallback_reason, "openai_server_error");
  assert.equal(report.emails_sent, 1, "that server reaches the mailbox of this machine");
  const { create_background, create_stream, retrieve } = openai.counts();
  assert.deepEqual({ create_background, create_stream }, {
    create_background: 1,
    create_stream: 2,
  });
  assert.ok(retrieve >= 1, "the response was polled");
  assert.match(run.stderr, /Talking to http:\/\/127\.0\.0\.1.* polling/s);
  assert.ok(!run.stderr.includes(theirKey), "the key is not printed");
});

Deno.test("a job that ends badly ends the demo with exit code 1 and the reason", async () => {
  await using parts = new AsyncDisposableStack();
  const openai = await startOpenAI({ apiKey: theirKey, webhookSecret: `whsec_${btoa("unused")}` });
  parts.defer(() => openai.stop());
  const run = await runDemo(["--json"], {
    OPENAI_API_KEY: "sk-wrong",
    OPENAI_BASE_URL: openai.url,
  });
  const report = reportIn(run);
  assert.equal(run.code, 1);
  assert.equal(report.ok, false);
  assert.match(report.reason ?? "", /the job ended as failed: .*401/);
  assert.equal(report.job?.error_code, "openai_auth_failed");
});

Deno.test("an OpenAI that cannot reach this machine's mailbox is told of, unless MAILBOX_MCP_URL names another", () => {
  const far = outsideOf({ apiKey: theirKey }, {});
  assert.match(
    far.notices.join("\n"),
    /api\.openai\.com cannot reach this machine's mailbox.* MAILBOX_MCP_URL/,
  );
  assert.deepEqual(far.options.env, {});

  const mailbox = { MAILBOX_MCP_URL: "https://mail.example/mcp", MAILBOX_MCP_TOKEN: "secret" };
  const own = outsideOf({ apiKey: theirKey }, { ...mailbox, HOME: "/" });
  assert.match(own.notices.join("\n"), /The mailbox is https:\/\/mail\.example\/mcp/);
  assert.deepEqual(own.options.env, mailbox);

  const near = outsideOf({ apiKey: theirKey, baseUrl: "http://localhost:8080/v1" }, {});
  assert.equal(near.notices.length, 1);
});

import { findEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { mailQuery } from "../../scripts/demo/scenarios/mail.ts";
import { scenarios } from "../../scripts/demo/scenarios/all.ts";
import { reportIn, runDemo } from "./run-demo.ts";

Deno.test("the demo answers although background fails, with one email, and --json says how", async () => {
  const run = await runDemo(["--json"]);
  const report = reportIn(run);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(report.ok, true);
  assert.equal(report.scenario, undefined);
  assert.equal(report.job?.status, "completed");
  assert.equal(report.job?.fallback_reason, "openai_server_error");
  assert.deepEqual(
    report.attempts.map(({ mode, outcome, error_code }) => [mode, outcome, error_code]),
    [
      ["background", "failed", "openai_server_error"],
      ["synchronous", "completed", null],
    ],
  );
  assert.deepEqual(report.tool_calls, [
    { name: "gmail_find_email", status: "completed" },
    { name: "gmail_reply_to_email", status: "completed" },
  ]);
  assert.equal(report.emails_sent, 1);
  const { accepted, failed_over, completed } = report.timings_ms;
  assert.ok(accepted !== null && failed_over !== null && completed !== null);
  assert.ok(0 < accepted && 0 < failed_over && failed_over < completed && completed < 30_000);
});

Deno.test("with --json the timeline goes to stderr, in order and without colors", async () => {
  const { stderr } = await runDemo(["--json"]);
  const seen = [
    mailQuery.slice(0, 40),
    "accepted: job",
    "response.failed",
    "queued for a synchronous run",
    "gmail_find_email called over MCP",
    "gmail_reply_to_email called over MCP",
    "email sent to nora.lind@halden-print.example",
    "result written",
    "→ completed",
    "✓ ok",
  ].map((text) => stderr.indexOf(text));
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b), stderr);
  assert.ok(seen.every((at) => at >= 0), stderr);
  assert.ok(!stderr.includes("\x1b["), "no colors where no terminal is");
});

Deno.test("--query asks something else, and without --json the answer is on stdout", async () => {
  const run = await runDemo([
    "--query",
    `What is missing for Lisbon? [[plan: ${findEmail("Lisbon")}; text A passport number.]]`,
  ]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Answer {2}A passport number\./);
  assert.match(run.stdout, /✓ ok {2}completed .*, 1 tool\s+call, 0 emails\s+sent/s);
});

Deno.test("--list names every scenario and starts nothing", async () => {
  const { code, stdout } = await runDemo(["--list"]);
  assert.equal(code, 0);
  assert.deepEqual(
    stdout.trimEnd().split("\n").map((line) => line.split(/\s+/)[0]),
    scenarios.map(({ name }) => name),
  );
});

Deno.test("what the demo cannot do is refused before anything starts", async () => {
  const cases: [string[], RegExp][] = [
    [["--scenario", "nothing"], /Unknown scenario 'nothing'\. --list/],
    [["--scenario", "deadline", "--query", "x"], /--query.* cannot be used with .*--scenario/],
    [["--wall-clock", "0"], /a number of seconds above 0/],
    [["--color"], /unknown option '--color'/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runDemo(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
});

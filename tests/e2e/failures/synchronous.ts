/** How a synchronous attempt fails, and that the next one succeeds. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import type { ProfileName } from "../../support/profiles.ts";
import type { TestStack } from "../../support/stack.ts";
import { runCase } from "./run-case.ts";

/** Each hits only the first attempt. The last column is that attempt's code. */
const mended: [string, ProfileName, Fault, string][] = [
  ["a server error", "direct", { kind: "server-error" }, "openai_server_error"],
  ["a bad gateway", "direct", { kind: "server-error", status: 502 }, "openai_server_error"],
  ["a request timeout", "direct", { kind: "http-error", status: 408 }, "openai_timeout"],
  ["a tool list that cannot be had", "direct", { kind: "tool-list-failed" }, "mcp_unavailable"],
  ["a stream that is cut", "direct", { kind: "cut-mid-stream", afterEvents: 3 }, "stream_cut"],
  ["a stream that ends without its last event", "direct", { kind: "clean-end" }, "stream_cut"],
  [
    "a stream that ends after one event",
    "direct",
    { kind: "clean-end", afterEvents: 1 },
    "stream_cut",
  ],
  // The stand-in's garbage begins like a delta, which nobody parses. What counts is that the end is missing.
  ["garbage in the stream", "direct", { kind: "garbage", afterEvents: 2 }, "stream_cut"],
  ["an error event", "direct", { kind: "error-event", afterEvents: 2 }, "openai_server_error"],
  [
    "a tool list error as an event",
    "direct",
    { kind: "error-event", message: "Error retrieving tool list from MCP server: 'mailbox'" },
    "mcp_unavailable",
  ],
  ["a stream that stalls", "impatient", { kind: "stall", afterEvents: 2 }, "stream_stalled"],
  ["an answer that does not come", "hasty", { kind: "slow", ms: 20_000 }, "attempt_timeout"],
];

/** Each ends the job. */
const final: [string, Fault, string][] = [
  ["a used-up quota", { kind: "quota" }, "openai_quota_exceeded"],
  [
    "quota text in an error event",
    {
      kind: "error-event",
      code: "rate_limit_exceeded",
      message: "You exceeded your current quota",
    },
    "openai_quota_exceeded",
  ],
  ["a bad request", { kind: "http-error", status: 400 }, "openai_invalid_request"],
  ["a missing right", { kind: "http-error", status: 403 }, "openai_auth_failed"],
  ["an incomplete answer", { kind: "incomplete", reason: "content_filter" }, "response_incomplete"],
];

export function testSynchronousFailures(theStack: () => TestStack): void {
  for (const [name, profile, fault, code] of mended) {
    Deno.test(`synchronous: ${name} is ${code}, and another try mends it`, async () => {
      const job = await runCase(theStack(), {
        name,
        profile,
        faults: [{ ...fault, times: 1 }],
        status: "completed",
        attempts: [`synchronous failed ${code}`, "synchronous completed"],
      });
      assert.equal(job.output_text, "all done");
      assert.equal(job.failures, 1);
    });
  }

  for (const [name, fault, code] of final) {
    Deno.test(`synchronous: ${name} is ${code}, and the end`, async () => {
      await runCase(theStack(), {
        name,
        profile: "direct",
        faults: [fault],
        status: "failed",
        error: code,
        attempts: [`synchronous failed ${code}`],
      });
    });
  }
}

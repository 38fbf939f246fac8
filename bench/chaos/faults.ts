import type { ToolName } from "../../packages/dev/mcp/mailbox.ts";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { deafModel } from "./deaf-model.ts";
import type { Random } from "./random.ts";

/** A fault that hits the stack. Resolves when it is over. */
export interface Blow {
  name: string;
  /** How often it is drawn, relative to the others. */
  weight: number;
  strike(stack: Stack, random: Random): Promise<void>;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Faults of the machine, drawn one after the other. */
export const allBlows: readonly [Blow, ...Blow[]] = [
  {
    name: "kill run-jobs",
    weight: 6,
    strike: async (stack) => void await stack.edge.kill("run-jobs"),
  },
  {
    name: "kill respond",
    weight: 2,
    strike: async (stack) => void await stack.edge.kill("respond"),
  },
  {
    name: "kill openai-webhook",
    weight: 2,
    strike: async (stack) => void await stack.edge.kill("openai-webhook"),
  },
  { name: "deploy run-jobs", weight: 2, strike: (stack) => stack.edge.restart("run-jobs") },
  {
    name: "restart Postgres",
    weight: 0.4,
    strike: (stack, random) =>
      stack.database.restart(random.pick<"fast" | "immediate">(["fast", "immediate"])),
  },
  { name: "terminate backends", weight: 2, strike: terminateBackends },
  { name: "restart PostgREST", weight: 1, strike: (stack) => stack.postgrest.restart() },
  {
    name: "pause cron",
    weight: 1,
    strike: async (stack, random) => {
      stack.cron.pause();
      await pause(random.between(1_000, 4_000));
      stack.cron.resume();
    },
  },
  {
    name: "lose and double nudges of pg_net",
    weight: 1,
    strike: async (stack, random) => {
      stack.net.faults.set(() =>
        random.pick<"drop" | "double" | "send">(["drop", "double", "send"])
      );
      await pause(random.between(1_000, 3_000));
      stack.net.faults.clear();
    },
  },
  {
    name: "slow mailbox",
    weight: 2,
    strike: async (stack, random) => {
      stack.mailbox.setDelay("gmail_reply_to_email", random.between(100, 1_500));
      await pause(random.between(500, 2_000));
      stack.mailbox.setDelay("gmail_reply_to_email", 0);
    },
  },
  {
    name: "mailbox fails or dies in a call",
    weight: 3,
    strike: (stack, random) => {
      const tool = random.pick<ToolName>(["gmail_find_email", "gmail_reply_to_email"]);
      stack.mailbox.fail({
        tool,
        when: random.pick<"before" | "after" | "die">(["before", "after", "die"]),
        times: 1,
      });
      return Promise.resolve();
    },
  },
];

async function terminateBackends(stack: Stack): Promise<void> {
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where backend_type = 'client backend' and usename = 'authenticator' and pid <> pg_backend_pid()`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const unreadable = { kind: "raw", probability: 0.01 } as const;
const noScope = '{"error":{"message":"Missing scopes: api.responses.read","code":null}}';
const stillRunning = '{"id":"{{id}}","object":"response","status":"in_progress","output":[]}';

/**
 * OpenAI's faults, each at a rate, for as long as the load lasts.
 * @param works the share of background responses that succeed; most of the others fail
 */
export const openaiFaults = (works: number): readonly Fault[] => [
  { kind: "ignore-approval", match: { model: deafModel }, probability: 0.5 },
  { kind: "background-works", match: { background: true }, probability: works },
  { kind: "fails-after-tools", match: { background: true }, probability: 0.08 },
  { kind: "stuck-in-progress", match: { background: true }, probability: 0.03 },
  { kind: "stuck-queued", match: { background: true }, probability: 0.02 },
  { kind: "background-unsupported", match: { background: true }, probability: 0.01 },
  { kind: "create-lost", match: { background: true }, probability: 0.03 },
  { kind: "rate-limited", retryAfterMs: 800, probability: 0.02 },
  { kind: "server-error", status: 503, probability: 0.03 },
  { kind: "tool-list-failed", probability: 0.02 },
  { kind: "slow", ms: 700, probability: 0.03 },
  { kind: "cut-mid-stream", match: { stream: true }, afterEvents: 6, probability: 0.04 },
  { kind: "cut-mid-stream", match: { stream: true }, afterEvents: 18, probability: 0.03 },
  { kind: "clean-end", match: { stream: true }, afterEvents: 9, probability: 0.03 },
  { kind: "stall", match: { stream: true }, afterEvents: 8, probability: 0.02 },
  { kind: "garbage", match: { stream: true }, afterEvents: 5, probability: 0.02 },
  { kind: "error-event", match: { stream: true }, afterEvents: 7, probability: 0.02 },
  { kind: "refuse-items", probability: 0.05 },
  // What gateways and OpenAI have answered in the field, whether or not the request is worked on.
  ...["", "<html>please wait</html>", '{"id":"resp_x","object":"response","sta'].flatMap((body) => [
    { ...unreadable, body, match: { background: true }, runs: true },
    { ...unreadable, body, match: { stream: true }, runs: true },
    { ...unreadable, body, match: { endpoint: "retrieve" as const } },
    { ...unreadable, body, match: { endpoint: "cancel" as const } },
  ]),
  { ...unreadable, status: 502, body: "", match: { background: true }, runs: true },
  { ...unreadable, status: 504, body: "<html>", match: { stream: true }, runs: true },
  { ...unreadable, status: 401, body: noScope, match: { endpoint: "cancel" } },
  { ...unreadable, status: 401, body: noScope, match: { endpoint: "retrieve" } },
  { ...unreadable, status: 404, body: "", match: { endpoint: "retrieve" } },
  { ...unreadable, body: stillRunning, match: { endpoint: "cancel" } },
];

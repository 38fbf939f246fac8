/**
 * One variant in a fresh process: `client.ts <variant> <url> <runs>`. Prints as JSON the CPU of one run in ms, without
 * module load and warm-up, and the process's peak memory in MB, with as many runs at once as a worker has.
 */
import process from "node:process";
import OpenAI from "openai";
import { runStreamed } from "../../supabase/functions/_durable_responses/openai/stream-run.ts";

const [variant, url, count] = Deno.args;
const runs = Number(count);
/** Runs that a worker has at a time by default. */
const atOnce = 8;
const request = { model: "gpt-6.1-sol", input: "What is new?" };

/** The minimum for any reader: take the chunks of the body from the socket. */
async function merelyRead(): Promise<void> {
  const answer = await fetch(`${url}/responses`, { method: "POST", body: JSON.stringify(request) });
  for await (const chunk of answer.body ?? []) {
    if (chunk.byteLength === 0) throw new Error("Cannot read: an empty piece came");
  }
}

async function product(): Promise<void> {
  const result = await runStreamed(request, {
    attemptMs: 60_000,
    spentMs: 0,
    stallMs: 60_000,
    deadlineMs: 60_000,
  }, {
    signal: new AbortController().signal,
    key: { id: crypto.randomUUID(), attempt: 1 },
    onItemStarted: () => {},
    onArguments: () => {},
    onItem: () => {},
  });
  if (result.kind !== "done") throw new Error(`Cannot measure: the run ended as ${result.kind}`);
}

const sdk = new OpenAI({ apiKey: "sk-bench", ...(url ? { baseURL: url } : {}), maxRetries: 0 });
/** What most people write. */
async function sdkIterator(): Promise<void> {
  let last = "";
  for await (const event of await sdk.responses.create({ ...request, stream: true })) {
    last = event.type;
  }
  if (last !== "response.completed") {
    throw new Error(`Cannot measure: the stream ended with ${last}`);
  }
}

const run = { "merely-read": merelyRead, product, "sdk-iterator": sdkIterator }[variant ?? ""];
if (!run) throw new Error(`Cannot measure '${variant}': there is no such variant`);
for (let i = 0; i < 3; i++) await run();
const before = process.cpuUsage();
for (let i = 0; i < runs; i++) await run();
const { user, system } = process.cpuUsage(before);
await Promise.all(Array.from({ length: atOnce }, run));
const status = await Deno.readTextFile("/proc/self/status");
const peakMb = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
console.log(JSON.stringify({ cpuMs: (user + system) / 1000 / runs, peakMb }));

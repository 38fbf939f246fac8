import { type EdgeRuntime, startEdge } from "../../packages/dev/edge/runtime.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import type { Sql } from "postgres";
import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { deno, firstLine } from "../support/process.ts";
import { startBenchStack } from "../support/stack.ts";
import { percentile, summarize } from "../support/stats.ts";
import { type Read, read } from "./read.ts";

const here = (path: string) => new URL(path, import.meta.url).pathname;

/** First text, CPU and loss of a stream that runs in place. */
export const live: Bench = {
  name: "live",
  title: "a stream that is run in place, against OpenAI's own and a function that rewrites it",
  run: (options) =>
    measureLive(
      options,
      options.quick
        ? { rounds: 15, runs: 5, cpuDeltas: 2_000, followed: 4, streams: 40, streamDeltas: 20 }
        : { rounds: 60, runs: 20, cpuDeltas: 2_000, followed: 20, streams: 200, streamDeltas: 40 },
    ),
};

export interface LiveSize {
  /** Streams one by one, to time the first text. */
  rounds: number;
  /** Streams one by one, of `cpuDeltas`, to measure the CPU. */
  runs: number;
  cpuDeltas: number;
  /** Streams one by one, each followed in another isolate too. */
  followed: number;
  /** Streams at once. */
  streams: number;
  streamDeltas: number;
}

/** How much later than OpenAI's own the first delta may come: in ms, and as a factor. */
const addedMs = 20;
const addedPart = 1.15;
const cpuLine = 1.3;

export async function measureLive(
  { progress }: BenchOptions,
  size: LiveSize,
): Promise<BenchResult> {
  const upstream = deno([here("./upstream.ts")]);
  try {
    const openai = {
      apiKey: "sk-bench-000000",
      baseUrl: `http://127.0.0.1:${await firstLine(upstream)}/v1`,
    };
    await using bench = await startBenchStack({ background: "queued" }, {
      openai,
      durable: false,
      wallClockMs: 600_000,
      env: { DURABLE_RESPONSES_CONCURRENCY: "100" },
    });
    const { stack } = bench;
    stack.cron.pause();
    const byHand = startEdge({
      functionsDir: here("./functions"),
      env: { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl },
      wallClockMs: 600_000,
    });
    try {
      const { token } = await stack.createUser();
      const ways = waysTo(stack, byHand, openai.baseUrl, token);
      const first = await firstTexts(ways, size.rounds, progress);
      const cpu = await cpuPerRun(stack, byHand, ways, size);
      progress(`CPU of ${size.runs} streams each`);
      const elsewhere = await followed(stack, ways["in place"], token, size);
      progress(`${size.followed} followed in another isolate`);
      const before = await inPlace(bench.sql);
      const all = await atOnce(ways["in place"], size);
      progress(`${size.streams} at once`);
      return resultOf(first, cpu, elsewhere, all, await inPlace(bench.sql) - before);
    } finally {
      await byHand.stop();
    }
  } finally {
    upstream.kill("SIGKILL");
    await upstream.status;
  }
}

const names = ["OpenAI's own", "by hand", "in place"] as const;
type Name = typeof names[number];
type Ways = Record<Name, (input: string) => Promise<Response>>;

function waysTo(stack: Stack, byHand: EdgeRuntime, openaiUrl: string, token: string): Ways {
  const post = (url: string, input: string) =>
    new Request(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: "default", input, stream: true }),
    });
  return {
    "OpenAI's own": (input) => fetch(post(`${openaiUrl}/responses`, input)),
    "by hand": (input) => byHand.fetch("by-hand", post("http://functions/by-hand", input)),
    "in place": (input) =>
      stack.edge.fetch("respond", post("http://functions/respond/v1/responses", input)),
  };
}

/** In turns, after two of each. */
async function firstTexts(
  ways: Ways,
  rounds: number,
  progress: (line: string) => void,
): Promise<Map<Name, number[]>> {
  const taken = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { firstMs, whole } = await read(ways[name]("first=300 every=5 deltas=10"), 10);
      if (!whole) throw new Error(`Cannot measure '${name}': its stream is not whole`);
      if (round >= 0) taken.get(name)?.push(firstMs);
    }
  }
  progress(`first text of ${rounds} streams each`);
  return taken;
}

/** CPU ms of the functions' processes for each stream. */
async function cpuPerRun(
  stack: Stack,
  byHand: EdgeRuntime,
  ways: Ways,
  { runs, cpuDeltas }: LiveSize,
): Promise<{ byHand: number[]; inPlace: number[] }> {
  const measured = { byHand: [] as number[], inPlace: [] as number[] };
  const input = `first=0 every=0 deltas=${cpuDeltas}`;
  const one = async (edge: EdgeRuntime, way: Name, into: number[] | undefined) => {
    const before = await cpuOf(edge);
    const { whole } = await read(ways[way](input), cpuDeltas);
    if (!whole) throw new Error(`Cannot measure '${way}': its stream is not whole`);
    // Work that a function does after its answer counts too.
    await new Promise((resolve) => setTimeout(resolve, 300));
    into?.push(await cpuOf(edge) - before);
  };
  for (let run = -2; run < runs; run++) {
    await one(byHand, "by hand", run < 0 ? undefined : measured.byHand);
    await one(stack.edge, "in place", run < 0 ? undefined : measured.inPlace);
  }
  return measured;
}

async function cpuOf(edge: EdgeRuntime): Promise<number> {
  return (await edge.usage()).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** Deltas of a followed stream, and the time between two, in ms: about what a model writes in a few seconds. */
const followedDeltas = 150;
const followedEveryMs = 20;

/**
 * Reads each stream a second time, as a caller who comes back does. The second read is in another isolate, because a worker
 * with a request in flight gets no other.
 */
async function followed(
  stack: Stack,
  way: (input: string) => Promise<Response>,
  token: string,
  { followed }: LiveSize,
): Promise<Read[]> {
  const all: Read[] = [];
  for (let round = 0; round < followed; round++) {
    const first = way(`first=300 every=${followedEveryMs} deltas=${followedDeltas}`);
    const id = (await first).headers.get("x-response-id") ?? "";
    const again = stack.edge.fetch(
      "respond",
      new Request(`http://functions/respond/v1/responses/${id}?stream=true`, {
        headers: { authorization: `Bearer ${token}` },
      }),
    );
    const [late] = await Promise.all([read(again, followedDeltas), read(first, followedDeltas)]);
    all.push(late);
  }
  return all;
}

/** How many attempts were run in place. */
async function inPlace(sql: Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from durable_responses.attempts where worker like '%-inline-%'`;
  return Number(row?.["n"]);
}

async function atOnce(
  way: (input: string) => Promise<Response>,
  { streams, streamDeltas }: LiveSize,
): Promise<Read[]> {
  return await Promise.all(
    Array.from(
      { length: streams },
      () => read(way(`first=1000 every=500 deltas=${streamDeltas}`), streamDeltas),
    ),
  );
}

function resultOf(
  first: Map<Name, number[]>,
  cpu: { byHand: number[]; inPlace: number[] },
  elsewhere: Read[],
  all: Read[],
  allInPlace: number,
): BenchResult {
  const median = (name: Name) => summarize(first.get(name) ?? []).median;
  const allowed = median("OpenAI's own") * addedPart + addedMs;
  // The mean, because CPU time is counted in steps of 10 ms.
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const cpuRatio = mean(cpu.inPlace) / mean(cpu.byHand);
  const lost = [...elsewhere, ...all].filter(({ whole }) => !whole).length;
  const lagsOf = (reads: Read[]) => {
    const lags = reads.flatMap((one) => one.lags);
    return `lag p50 ${percentile(lags, 50)} ms, p99 ${percentile(lags, 99)} ms`;
  };
  return {
    // All lines in one number: it is at most 1 only if every line is reached.
    value: Math.max(median("in place") / allowed, cpuRatio / cpuLine, lost === 0 ? 0 : 1 + lost),
    line: 1,
    unit: "ms",
    rows: names.map((name) => ({ name, summary: summarize(first.get(name) ?? []) })),
    notes: [
      `first text in place ${median("in place").toFixed(0)} ms (line: ${
        allowed.toFixed(0)
      }, 1.15 × OpenAI's own + 20)`,
      `CPU of a stream in place ${mean(cpu.inPlace).toFixed(0)} ms, by hand ${
        mean(cpu.byHand).toFixed(0)
      } ms: ${cpuRatio.toFixed(2)}× (line: ${cpuLine})`,
      `${elsewhere.length} streams read in another isolate: ${lagsOf(elsewhere)}`,
      `${all.length} streams at once, ${allInPlace} of them run in place: ${
        lagsOf(all)
      }; ${lost} streams not whole (line: 0)`,
    ],
  };
}

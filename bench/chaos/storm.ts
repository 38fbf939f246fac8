/** One fault after another, for as long as a load lasts. */
import type { Sql } from "postgres";
// @ts-types="./deadline.d.ts"
import { deadline } from "deno-std/async/deadline.js";
import type { Stack } from "../../packages/dev/stack.ts";
import { isFinalOrPaused } from "../../supabase/functions/_durable_responses/model/status.ts";
import { allBlows, type Blow, openaiFaults } from "./faults.ts";
import type { Random } from "./random.ts";
import { type JobRow, readJobs } from "./verdict.ts";

/** How long one fault may take, in ms. */
const blowMs = 20_000;
/** How long to wait at the end for the responses that OpenAI still runs, in ms. */
const idleMs = 15_000;
/** Longest wait for one read, in ms. */
const readMs = 5_000;

export interface Storm {
  blows(): number;
  /** Stops it, and every fault. Faults in progress end first. */
  stop(): Promise<void>;
}

/** The share of background responses that succeed, unless stated otherwise. */
export const usualWorks = 0.4;

/** Draws faults until it is stopped. */
export function startStorm(
  stack: Stack,
  random: Random,
  progress: (line: string) => void,
  works = usualWorks,
): Storm {
  stack.openai?.faults.set([...openaiFaults(works)]);
  stack.openai?.webhooks.faults.set([
    { kind: "lose", probability: 0.1 },
    { kind: "double", probability: 0.1 },
    { kind: "delay", ms: 800, probability: 0.1 },
    { kind: "disorder", holdMs: 300, probability: 0.05 },
    { kind: "forge", probability: 0.05 },
  ]);
  let going = true;
  let count = 0;
  const storm = async () => {
    while (going) {
      await new Promise((resolve) => setTimeout(resolve, random.between(150, 900)));
      const blow = draw(random);
      try {
        await deadline(blow.strike(stack, random), blowMs);
        count++;
      } catch (error) {
        // Another blow may have taken down what this one hits.
        progress(
          `  ${blow.name} missed or hung: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
  };
  const ended = storm();
  return {
    blows: () => count,
    async stop() {
      going = false;
      await ended;
      stack.openai?.faults.set([{ kind: "background-works", match: { background: true } }]);
      stack.openai?.webhooks.faults.clear();
    },
  };
}

function draw(random: Random): Blow {
  const total = allBlows.reduce((sum, blow) => sum + blow.weight, 0);
  let left = random.next() * total;
  return allBlows.find((blow) => (left -= blow.weight) < 0) ?? allBlows[0];
}

/** Waits until at most `moving` jobs are not at rest, or the time is up. */
export async function untilRest(
  sql: Sql,
  { moving, timeoutMs, progress = () => {} }: {
    moving: number;
    timeoutMs: number;
    progress?: (line: string) => void;
  },
): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (let told = 0; performance.now() < until;) {
    const left = await countMoving(() => readJobs(sql));
    if (left <= moving) return;
    if (performance.now() - told > 5_000) {
      told = performance.now();
      progress(`  ${left} jobs under way`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** While the database is down, all of them count as moving. */
async function countMoving(read: () => Promise<JobRow[]>): Promise<number> {
  try {
    return (await deadline(read(), readMs)).filter((row) =>
      !isFinalOrPaused(row) || row.may_be_answered
    ).length;
  } catch (error) {
    if (isPassing(error)) return Infinity;
    throw error;
  }
}

/** True for errors of a database that is being shut down or does not answer. */
export function isPassing(error: unknown): boolean {
  return error instanceof Error &&
    /CONN|EPIPE|57P0|closed|ended|recovery|starting up|timeout/i.test(
      `${error.message} ${"code" in error ? error.code : ""}`,
    );
}

/** A response that still runs may send an email. A stuck one whose id was lost never ends, and never acts. */
export async function untilIdle(stack: Stack, progress: (line: string) => void): Promise<void> {
  try {
    await deadline(stack.openai?.idle() ?? Promise.resolve(), idleMs);
  } catch (error) {
    progress(
      `  not everything at OpenAI has ended: ${error instanceof Error ? error.message : error}`,
    );
  }
}

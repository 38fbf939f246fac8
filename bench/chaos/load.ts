import { z } from "zod";
import type { Stack } from "../../packages/dev/stack.ts";
import type { Random } from "./random.ts";

/** A query that was accepted, and the mark that its email carries. */
export interface Accepted {
  id: string;
  mark: string;
  /** Whether its plan sends an email. */
  sends: boolean;
}

const accepted = z.looseObject({ id: z.uuid() });
/** How many callers there are at a time. */
const callers = 6;

/**
 * Submits so many queries as several users, each with an idempotency key, and repeats what is refused for
 * a reason that passes, as a client would. Counts as accepted only what was answered with a job.
 */
export async function submitAll(
  stack: Stack,
  count: number,
  random: Random,
  progress: (done: number) => void,
): Promise<Accepted[]> {
  const users = await Promise.all(Array.from({ length: 4 }, () => stack.createUser()));
  const plans = Array.from({ length: count }, (_, i) => planOf(i, random));
  const results: Accepted[] = [];
  let next = 0;
  const caller = async () => {
    for (let i = next++; i < plans.length; i = next++) {
      const plan = plans[i];
      const user = users[i % users.length];
      if (!plan || !user) throw new Error(`Cannot submit query ${i}: it has no plan or no user`);
      results.push(await submit(stack, user.token, plan));
      progress(results.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(callers, count) }, caller));
  return results;
}

interface Plan {
  mark: string;
  sends: boolean;
  body: { query: string; profile: string };
}

function planOf(index: number, random: Random): Plan {
  const mark = `mark-${index}-${Math.floor(random.next() * 1e9)}`;
  const sends = random.next() < 0.7;
  const profile = random.pick(["mail", "mail", "mail", "mail-sync"]);
  const plan = sends
    ? `find invoice; reply ${mark}`
    : `find invoice x${1 + Math.floor(random.next() * 3)}; text 40 deltas`;
  return {
    mark,
    sends,
    body: { query: `[[plan: ${plan}]] Look after the mail about ${mark}`, profile },
  };
}

async function submit(stack: Stack, token: string, { mark, sends, body }: Plan): Promise<Accepted> {
  const key = crypto.randomUUID();
  for (let tries = 1;; tries++) {
    const answer = await post(stack, token, key, body);
    if (typeof answer === "object") return { id: accepted.parse(answer).id, mark, sends };
    if (tries > 200) {
      throw new Error(`Cannot submit: it was refused ${tries} times, last with ${answer}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** @returns the job, or the status that it was refused with; a dropped connection counts as 0 */
async function post(
  stack: Stack,
  token: string,
  key: string,
  body: unknown,
): Promise<object | number> {
  let response: Response;
  try {
    response = await fetch(`${stack.functionsUrl}/respond`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    if (
      error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")
    ) return 0;
    throw error;
  }
  const text = await response.text();
  if (response.ok) return z.looseObject({}).parse(JSON.parse(text));
  // 4xx is a mistake of ours, and would never pass.
  if (response.status < 500) {
    throw new Error(`Cannot submit: refused with ${response.status} ${text.slice(0, 200)}`);
  }
  return response.status;
}

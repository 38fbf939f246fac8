import { z } from "zod";
import type { Stack } from "../../packages/dev/stack.ts";
import { callRespond } from "./call.ts";
import type { Random } from "./random.ts";
import {
  type ChaosRequest,
  type MailProfile,
  mailRequest,
  noteRequest,
  notesShare,
} from "./requests.ts";
import { newWish, type Wish } from "./wish.ts";

const accepted = z.looseObject({ id: z.uuid() });
/** The share of queries on a route where `require_approval` is ignored, as some servers do. */
const deafShare = 0.02;
/** How many callers there are at a time. */
const callers = 6;

export interface Load {
  jobs: number;
  /** The share of the jobs that send an email, 0 to 1. */
  sends: number;
  /** If given, all jobs are for the mailbox, and their profiles are drawn from these. */
  profiles?: readonly MailProfile[];
}

/**
 * Submits this many queries, of which a share sends an email, as several users, each with an idempotency key. Like a client,
 * it repeats requests that are refused for a temporary reason. A query counts as accepted only if the answer was a job.
 */
export async function submitAll(
  stack: Stack,
  { jobs: count, sends, profiles = [] }: Load,
  random: Random,
  progress: (done: number) => void,
): Promise<Wish[]> {
  const users = await Promise.all(Array.from({ length: 4 }, () => stack.createUser()));
  const plans = Array.from({ length: count }, (_, i) => planOf(i, sends, profiles, random));
  const results: Wish[] = [];
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
  body: ChaosRequest;
}

function planOf(
  index: number,
  share: number,
  profiles: readonly MailProfile[],
  random: Random,
): Plan {
  // With a period at the end, no mark is a prefix of another one.
  const mark = `mark-${index}-${Math.floor(random.next() * 1e9)}.`;
  const sends = random.next() < share;
  const [first, ...others] = profiles;
  if (first !== undefined) {
    const profile = random.pick([first, ...others]);
    return { mark, sends, body: mailRequest(profile, mark, sends, random) };
  }
  if (random.next() < notesShare) return { mark, sends, body: noteRequest(mark, sends, random) };
  const profile = random.next() < deafShare
    ? "mail-deaf"
    : random.pick(["mail", "mail", "mail-bridge", "mail-sync"]);
  return { mark, sends, body: mailRequest(profile, mark, sends, random) };
}

async function submit(stack: Stack, token: string, { mark, sends, body }: Plan): Promise<Wish> {
  const key = crypto.randomUUID();
  for (let tries = 1;; tries++) {
    const answer = await callRespond(stack, token, "", { body, key });
    const job = accepted.safeParse(answer.body).data;
    if (answer.status < 300 && job) return newWish({ ids: [job.id], mark, sends });
    // A 4xx is our own mistake, and a retry does not fix it.
    if (tries > 200 || (answer.status >= 400 && answer.status < 500)) {
      const said = JSON.stringify(answer.body);
      throw new Error(`Cannot submit: refused ${tries} times, last with ${answer.status} ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

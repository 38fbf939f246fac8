/** Users who do whatever the product lets them do, in any order, repeatedly, and even where it makes no sense. */
import { z } from "zod";
import type { Stack } from "../../packages/dev/stack.ts";
import {
  isFinal,
  isPaused,
  jobStatuses,
} from "../../supabase/functions/_durable_responses/model/status.ts";
import { type Answer, callRespond, codeOf } from "./call.ts";
import { Random } from "./random.ts";
import { mailRequest, noteRequest, notesShare } from "./requests.ts";
import { newWish, type Wish } from "./wish.ts";

const jobSchema = z.looseObject({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  waiting: z.array(z.object({ request_id: z.string().nullable() })).nullish(),
});

/** How long a user waits before answering a review, in ms: the call in doubt may still be in progress. */
const lookMs = 4_000;
/** How many of their newest jobs a user looks at. */
const recent = 12;
/** Statuses of a killed worker, a full one, and a database that is down. */
const passing = [0, 429, 502, 503, 504, 546];

export interface Crowd {
  wishes: Wish[];
  /** Answers that nobody should have received, one line each. */
  wrongAnswers: string[];
  actions: number;
}

interface Person {
  stack: Stack;
  token: string;
  name: string;
  random: Random;
  crowd: Crowd;
  own: Wish[];
  /** When a review was first seen, by job. */
  seen: Map<string, number>;
  wasDone: WasDone;
}

/** Whether an email or a note with this mark is there; undefined while nobody can say. */
type WasDone = (mark: string) => Promise<boolean | undefined>;

/** Users that act until `until` (performance.now()). */
export async function actAsUsers(
  stack: Stack,
  { count, seed, until, wasDone }: { count: number; seed: number; until: number; wasDone: WasDone },
): Promise<Crowd> {
  const crowd: Crowd = { wishes: [], wrongAnswers: [], actions: 0 };
  const users = [];
  for (let n = 0; n < count; n++) users.push(await stack.createUser());
  await Promise.all(users.map(async ({ token }, n) => {
    const random = new Random(seed + 1_000 * n);
    const name = `u${n}`;
    const person = { stack, token, name, random, crowd, own: [], seen: new Map(), wasDone };
    while (performance.now() < until) {
      await act(person);
      crowd.actions++;
      await new Promise((resolve) => setTimeout(resolve, random.between(10, 250)));
    }
  }));
  return crowd;
}

async function act(person: Person): Promise<void> {
  const { random, own, crowd } = person;
  const wish = own.length === 0 ? undefined : random.pick([own[0], ...own.slice(1)]);
  if (wish === undefined || random.next() < 0.3) return await submit(person);
  const id = wish.ids.at(-1) ?? "";
  const draw = random.next();
  if (draw < 0.06) return void await cancel(person, wish, id);
  if (draw < 0.1) {
    return void await Promise.all([cancel(person, wish, id), retry(person, wish, id)]);
  }
  if (draw < 0.14) return await retry(person, wish, id);
  if (draw < 0.17) return await answerAnyRequest(person, wish, id);
  if (draw < 0.2) {
    const theirs = random.pick([wish, ...crowd.wishes]);
    if (!own.includes(theirs)) return await touchAnothers(person, theirs);
  }
  await look(person, wish, id);
}

let marks = 0;

async function submit(person: Person): Promise<void> {
  const { random, crowd, own } = person;
  const mark = `mark-${person.name}-${marks++}-${Math.floor(random.next() * 1e9)}.`;
  const sends = random.next() < 0.75;
  const profile = random.pick(["mail", "mail", "mail-sync", "mail-bridge", "mail-asks"]);
  const body = random.next() < notesShare
    ? noteRequest(mark, sends, random)
    : mailRequest(profile, mark, sends, random);
  const key = crypto.randomUUID();
  // A request that was cut off may have been accepted. The same key returns the same job.
  for (;;) {
    const answer = await ask(person, "submit", "", { body, key });
    const job = jobSchema.safeParse(answer.body).data;
    if (answer.status < 300 && job) {
      const wish = newWish({ ids: [job.id], mark, sends });
      if (body.profile === "mail-asks") wish.approval = "withheld";
      crowd.wishes.push(wish);
      own.push(wish);
      if (own.length > recent) own.shift();
      return;
    }
    if (answer.status === 429 || !passing.includes(answer.status)) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

async function look(person: Person, wish: Wish, id: string): Promise<void> {
  const answer = await ask(person, "get", `/${id}`, {});
  const job = jobSchema.safeParse(answer.body).data;
  if (answer.status !== 200 || !job) return;
  if (job.status === "awaiting_approval") return await decide(person, wish, job);
  if (job.status === "needs_review") return await review(person, wish, id);
  const { random } = person;
  if ((job.status === "failed" || job.status === "cancelled") && random.next() < 0.5) {
    return await retry(person, wish, id);
  }
  if (!isFinal(job) && !isPaused(job) && random.next() < 0.1) await cancel(person, wish, id);
}

async function decide(
  person: Person,
  wish: Wish,
  { id, waiting }: z.infer<typeof jobSchema>,
): Promise<void> {
  const approve = person.random.next() < 0.7;
  const requestId = waiting?.[0]?.request_id;
  if (!requestId) return;
  // Set before sending, because a request that is cut off may have arrived.
  if (approve && wish.approval === "withheld") wish.approval = "given";
  const send = () =>
    ask(person, "approve", `/${id}/approve`, { body: { approve, request_id: requestId } });
  // An impatient person presses twice.
  await Promise.all(person.random.next() < 0.3 ? [send(), send()] : [send()]);
}

/** Answers a request for approval that does not exist. */
async function answerAnyRequest(person: Person, _: Wish, id: string): Promise<void> {
  await ask(person, "approve what does not wait", `/${id}/approve`, {
    body: { approve: true, request_id: `mcpr_${crypto.randomUUID()}` },
  });
}

/** Looks at what happened first, as the product asks people to. */
async function review(person: Person, wish: Wish, id: string): Promise<void> {
  const first = person.seen.get(id) ?? performance.now();
  person.seen.set(id, first);
  if (performance.now() - first < lookMs) return;
  if (person.random.next() < 0.15) {
    wish.cancelled = true;
    await ask(person, "resolve", `/${id}/resolve`, { body: { outcome: "cancel" } });
    return;
  }
  const happened = await person.wasDone(wish.mark);
  if (happened === undefined) return;
  const outcome = happened ? "happened" : "did_not_happen";
  await ask(person, "resolve", `/${id}/resolve`, { body: { outcome } });
}

async function cancel(person: Person, wish: Wish, id: string): Promise<void> {
  wish.cancelled = true;
  await ask(person, "cancel", `/${id}/cancel`, { body: undefined });
}

async function retry(person: Person, wish: Wish, id: string): Promise<void> {
  const answer = await ask(person, "retry", `/${id}/retry`, { body: undefined });
  const job = jobSchema.safeParse(answer.body).data;
  if (answer.status < 300 && job && !wish.ids.includes(job.id)) wish.ids.push(job.id);
}

/** Another user's job must look like a missing one, whatever the request. */
async function touchAnothers(person: Person, wish: Wish): Promise<void> {
  const id = wish.ids[0] ?? "";
  const action = person.random.pick(["", "/cancel", "/retry"]);
  const answer = await callRespond(
    person.stack,
    person.token,
    `/${id}${action}`,
    action === "" ? {} : { body: undefined },
  );
  if (answer.status === 404 || passing.includes(answer.status)) return;
  person.crowd.wrongAnswers.push(`another's job${action}: ${describe(answer)}`);
}

/**
 * Sends a request, and records an answer that it must never get. 404 is allowed if the wish says that the owner was deleted.
 */
async function ask(
  person: Person,
  what: string,
  path: string,
  request: { body?: unknown; key?: string },
): Promise<Answer> {
  const answer = await callRespond(person.stack, person.token, path, request);
  const allowed = [200, 202, 409, ...passing];
  if (!allowed.includes(answer.status)) {
    person.crowd.wrongAnswers.push(`${what} ${path}: ${describe(answer)}`);
  }
  return answer;
}

function describe(answer: Answer): string {
  return `${answer.status} ${codeOf(answer) ?? ""} ${JSON.stringify(answer.body)?.slice(0, 300)}`;
}

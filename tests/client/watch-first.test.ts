/** A watch is registered before the first read, so a change between the two is not missed, whatever Realtime does. */
import assert from "node:assert/strict";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { eventually } from "../support/eventually.ts";
import { clientOn } from "./support/client.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";
import { watchList } from "./support/watched-list.ts";

const theStack = sharedBusyStack(onClientProfiles);
const slow = "[[plan: sleep 20s]] Wait";

/** Records the paths of requests, and runs `then` right after the first one whose path ends with `ending`. */
function tapped(ending: string, then: () => Promise<unknown>) {
  const paths: string[] = [];
  let happened = false;
  const fetching: typeof fetch = async (input, init) => {
    const { pathname } = new URL(new Request(input, init).url);
    paths.push(pathname.replace("/rest/v1/", ""));
    const answer = await fetch(input, init);
    if (pathname.endsWith(ending) && !happened) {
      happened = true;
      await then();
    }
    return answer;
  };
  return { paths, fetch: fetching };
}

Deno.test("a job that ends between the watch and the first look is seen by that look", async () => {
  const { stack, user, sql } = theStack();
  await using asker = clientOn(stack, user.token);
  const { id } = await asker.responses.submit({ query: slow });
  // In SQL: after 5 s the client would look before the watch is registered, and a function may take that long to start.
  const tap = tapped(
    "/rpc/watch_response_job",
    async () => await sql`select public.cancel_response_job(${id}, p_as_service => true)`,
  );
  await using client = clientOn(stack, user.token, { fetch: tap.fetch });
  const seen: string[] = [];
  for await (const update of client.responses.watch(id)) {
    if (update.type === "job") seen.push(update.job.status);
  }
  assert.deepEqual(seen, ["cancelled"]);
  assert.deepEqual(tap.paths.slice(0, 2), ["rpc/watch_response_job", "response_jobs"]);
});

Deno.test("a job that ends after the first look is announced, and the watch ends at once", async () => {
  const { stack, user } = theStack();
  await using asker = clientOn(stack, user.token);
  const { id } = await asker.responses.submit({ query: slow });
  const tap = tapped("/response_jobs", () => asker.responses.cancel(id));
  await using client = clientOn(stack, user.token, { fetch: tap.fetch });
  const began = performance.now();
  await assert.rejects(client.responses.result(id), { name: "JobCancelledError" });
  // Polling reads again after 1 s at the earliest, and a live watch after 30 s.
  assert.ok(performance.now() - began < 15_000);
});

Deno.test("a list is watched before it is read, and a job that comes in between is on its first page", async () => {
  const { stack } = theStack();
  const user = await stack.createUser();
  await using asker = clientOn(stack, user.token);
  const tap = tapped("/rpc/watch_response_jobs", () => asker.responses.submit({ query: slow }));
  await using client = clientOn(stack, user.token, { fetch: tap.fetch });
  await using watch = watchList(client);
  await eventually("the first page", () => watch.pages().length > 0);
  assert.equal(watch.pages()[0]?.jobs.length, 1);
  assert.deepEqual(tap.paths.slice(0, 2), ["rpc/watch_response_jobs", "response_jobs"]);
  const [job] = watch.pages()[0]?.jobs ?? [];
  await asker.responses.cancel(String(job?.id));
});

Deno.test("a watch that cannot be registered is no live one: the database is asked, until it can", async () => {
  const { stack, user } = theStack();
  let refuses = true;
  await using client = clientOn(stack, user.token, {
    fetch: (input, init) =>
      refuses && new Request(input, init).url.includes("/rpc/watch_response_job")
        ? Promise.resolve(Response.json({ message: "away" }, { status: 503 }))
        : fetch(input, init),
  });
  const { id } = await client.responses.submit({ query: slow });
  const states: string[] = [];
  const reasons: (string | undefined)[] = [];
  const done = (async () => {
    for await (const update of client.responses.watch(id, { text: false })) {
      if (update.type !== "connection") continue;
      states.push(update.state);
      reasons.push(update.reason);
    }
  })();
  await eventually("polling", () => reasons.includes("away") || states.includes("polling"));
  refuses = false;
  await eventually("live updates", () => states.at(-1) === "live");
  await client.responses.cancel(id);
  await done;
});

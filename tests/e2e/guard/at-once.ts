/** Whoever reads a response that asks sends the yes itself, whatever else happens at that moment. */
import assert from "node:assert/strict";
import { passForBackground } from "../../support/job-state.ts";
import { eventually } from "../../support/eventually.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { openaiIsDone } from "../background/at-openai.ts";
import { begin, createsSince, query, sentInAll, works } from "./mail.ts";

const continuedInBackground = [
  "background continued",
  "synchronous continued",
  "background completed",
];
const keeps = /\/rpc\/continue_response_job/;

export function testAtOnce(theStack: () => TestStack): void {
  /** Submits; the first webhook is lost, and the response that asks has ended. */
  async function askedUnheard() {
    const test = theStack();
    const from = test.openai.requests.length;
    begin(test, [works]);
    test.openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id } = await test.submit(test.fresh("mail"), query);
    await openaiIsDone(test);
    const { response_id } = await eventually(
      "the response's id",
      () => readJob(test.sql, id),
      (row) => row.response_id !== null,
    );
    const hear = () =>
      test.openai.webhooks.send({ type: "response.completed", responseId: response_id ?? "" });
    return { ...test, test, id, hear, from };
  }

  /** Runs `step` when a call of `path` arrives for the first time, and passes the call on after it. */
  function atCall(path: RegExp, step: () => Promise<unknown>): { reached: Promise<void> } {
    const { proxy } = theStack();
    const done = Promise.withResolvers<void>();
    let isFirst = true;
    proxy.intercept = async (called) => {
      if (!isFirst || !path.test(called)) return undefined;
      isFirst = false;
      await step().then(() => done.resolve(), done.reject);
      return undefined;
    };
    return { reached: done.promise };
  }

  /** Ends a test's hold on calls, whatever became of it. */
  async function released(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } finally {
      theStack().proxy.intercept = undefined;
    }
  }

  const yesesSince = (from: number) =>
    createsSince(theStack(), from).filter((body) =>
      JSON.stringify(body["input"]).includes("mcp_approval_response")
    );

  Deno.test("no worker is needed to send it", () =>
    released(async () => {
      const { submit, fresh, finished, sql, proxy } = theStack();
      begin(theStack(), [works]);
      let nudges = 0;
      proxy.intercept = (path) => {
        if (!path.endsWith("/run-jobs")) return undefined;
        nudges++;
        return new Response("lost", { status: 502 });
      };
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await finished(id)).status, "completed");
      assert.equal(nudges, 0);
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.match((await readAttempts(sql, id))[1]?.worker ?? "", /inline/);
      assert.equal(await sentInAll(theStack()), 1);
    }));

  Deno.test("a poll that reads the question sends it too", () =>
    released(async () => {
      const { test, id, sql, proxy, wake, finished } = await askedUnheard();
      await passForBackground(sql, id, 31_000);
      await wake();
      proxy.intercept = (path) =>
        path.endsWith("/run-jobs") ? new Response("lost", { status: 502 }) : undefined;
      assert.equal((await finished(id)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.match((await readAttempts(sql, id))[1]?.worker ?? "", /inline/);
      assert.equal(await sentInAll(test), 1);
    }));

  Deno.test("two webhooks and a poll that read the response at once send it once", () =>
    released(async () => {
      const { test, id, hear, from, sql, proxy, wake, finished } = await askedUnheard();
      const all = Promise.withResolvers<void>();
      let arrived = 0;
      proxy.intercept = async (path) => {
        if (!keeps.test(path)) return undefined;
        if (++arrived === 3) all.resolve();
        await all.promise;
        return undefined;
      };
      await passForBackground(sql, id, 31_000);
      await wake();
      await eventually("the poll has read it", () => arrived === 1);
      await Promise.all([hear(), hear()]);
      await all.promise;
      assert.equal((await finished(id)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.equal(yesesSince(from).length, 1);
      assert.equal(await sentInAll(test), 1);
    }));

  Deno.test("more questions at once than an isolate has places for, each heard twice and polled: one email each", () =>
    released(async () => {
      const test = theStack();
      const { submit, fresh, finished, openai, sql, wake } = test;
      const from = openai.requests.length;
      begin(test, [works]);
      openai.webhooks.faults.set([{ kind: "double" }]);
      const profile = fresh("mail");
      const ids = await Promise.all(
        Array.from({ length: 14 }, async (_, n) => (await submit(profile, `${query} ${n}`)).id),
      );
      for (const id of ids) await passForBackground(sql, id, 31_000);
      await wake();
      for (const id of ids) {
        assert.equal((await finished(id)).status, "completed");
        assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      }
      assert.equal(yesesSince(from).length, ids.length);
      assert.equal(await sentInAll(test), ids.length);
    }));

  Deno.test("cancelled before the answers are kept: nothing is sent", () =>
    released(async () => {
      const { test, id, hear, from, ask, sql } = await askedUnheard();
      const { reached } = atCall(keeps, () => ask({ path: `/${id}/cancel`, body: {} }));
      await hear();
      await reached;
      assert.equal(await sentInAll(test), 0);
      assert.equal((await readJob(sql, id)).status, "cancelled");
      assert.deepEqual(yesesSince(from), []);
    }));

  Deno.test("cancelled before the call is written: nothing is sent", () =>
    released(async () => {
      const { test, id, hear, from, ask, sql } = await askedUnheard();
      const { reached } = atCall(
        /save_response_steps/,
        () => ask({ path: `/${id}/cancel`, body: {} }),
      );
      await hear();
      await reached;
      assert.equal(await sentInAll(test), 0);
      assert.equal((await readJob(sql, id)).status, "cancelled");
      assert.deepEqual(yesesSince(from), []);
    }));

  Deno.test("cancelled before the next response is recorded: it is cancelled, or flagged for what it did", () =>
    released(async () => {
      const { test, id, hear, from, ask, sql } = await askedUnheard();
      const { reached } = atCall(
        /continue_in_background/,
        () => ask({ path: `/${id}/cancel`, body: {} }),
      );
      await hear();
      await reached;
      const sent = await sentInAll(test);
      assert.equal(yesesSince(from).length, 1);
      assert.equal((await readJob(sql, id)).status, "cancelled");
      const flags = () => sql`select code from public.response_flags where job_id = ${id}`;
      if (sent > 0) await eventually("a flag", async () => (await flags()).length > 0);
      assert.ok(sent <= 1);
    }));

  Deno.test("a pause that begins before the answers are kept: the job waits, then a worker continues", () =>
    released(async () => {
      const { test, id, hear, from, sql, wake, finished } = await askedUnheard();
      const route = sql`(select route from durable_responses.jobs where id = ${id})`;
      const { reached } = atCall(keeps, async () => {
        await sql`update public.response_routes set pause_reason = 'openai_rate_limited',
          paused_until = now() + interval '1 hour' where route = ${route}`;
      });
      await hear();
      await reached;
      await eventually("queued", async () => (await readJob(sql, id)).status === "queued");
      await wake();
      assert.equal(await sentInAll(test), 0);
      assert.deepEqual(yesesSince(from), []);
      await sql`update public.response_routes set paused_until = now() where route = ${route}`;
      await wake();
      assert.equal((await finished(id)).status, "completed");
      assert.equal(await sentInAll(test), 1);
    }));

  Deno.test("a limit that is used up: the job is queued, and a worker continues", () =>
    released(async () => {
      const { test, id, hear, sql, wake, finished } = await askedUnheard();
      const route = sql`(select route from durable_responses.jobs where id = ${id})`;
      await sql`update public.response_routes set max_running = 0 where route = ${route}`;
      await hear();
      await eventually("queued", async () => (await readJob(sql, id)).status === "queued");
      await sql`update public.response_routes set max_running = 1 where route = ${route}`;
      await wake();
      assert.equal((await finished(id)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.equal(await sentInAll(test), 1);
    }));
}

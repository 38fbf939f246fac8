/** Who may wake the worker, and what happens if nobody does. */
import assert from "node:assert/strict";
import { readAnswer } from "../../support/answer.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone } from "./at-openai.ts";

export function testWaking(theStack: () => TestStack): void {
  const wake = async (headers: Record<string, string>, method = "POST") =>
    await readAnswer(
      await fetch(`${theStack().stack.functionsUrl}/run-jobs`, { method, headers }),
    );

  Deno.test("run-jobs is not woken by anything but its own secret", async () => {
    const { stack, user } = theStack();
    const others = [
      {},
      { "x-worker-secret": "" },
      { "x-worker-secret": "wrong" },
      { "x-worker-secret": `${stack.workerSecret} and more` },
      { "x-worker-secret": stack.secretKey, apikey: stack.secretKey },
      { authorization: `Bearer ${stack.serviceRoleKey}` },
      { authorization: `Bearer ${user.token}` },
    ];
    for (const headers of others) {
      const answer = await wake({ ...headers });
      assert.deepEqual([answer.status, answer.code], [401, "invalid_worker_secret"]);
    }
    assert.equal((await wake({}, "GET")).status, 405);
  });

  Deno.test("run-jobs answers 202 at once, while its work goes on", async () => {
    const { stack, sql, finished, fresh } = theStack();
    await functionsAreDone(theStack());
    const [row] = await sql<{ id: string }[]>`
      select public.enqueue_response_job('[[plan: sleep 800ms; text all done]]', ${
      fresh("direct")
    }) as id`;
    const id = row?.id ?? "";
    const answer = await wake({ "x-worker-secret": stack.workerSecret });
    assert.equal(answer.status, 202);
    assert.notEqual((await readJob(sql, id)).status, "completed");
    // A second wake-up does not affect the first, whichever isolate gets it.
    assert.equal((await wake({ "x-worker-secret": stack.workerSecret })).status, 202);
    const { output_text, attempt } = await finished(id);
    assert.deepEqual([output_text, attempt], ["all done", 1]);
  });

  Deno.test("with every nudge lost, cron alone runs the job", async () => {
    const { openai, submit, fresh, finished, sql, proxy, wake } = theStack();
    await functionsAreDone(theStack());
    openai.faults.set([{ kind: "background-unsupported", times: 1 }]);
    let nudges = 0;
    proxy.intercept = (path) => {
      if (!path.endsWith("/run-jobs")) return undefined;
      nudges += 1;
      return new Response("lost", { status: 502 });
    };
    try {
      const { id, body } = await submit(fresh("plain"), "[[plan: text all done]]");
      assert.equal(body.status, "queued");
      await functionsAreDone(theStack());
      assert.equal(nudges, 1);
      assert.equal((await readJob(sql, id)).status, "queued");
      await wake();
      assert.equal((await finished(id)).status, "completed");
    } finally {
      proxy.intercept = undefined;
    }
  });

  Deno.test("with nothing due, cron wakes nobody", async () => {
    const { sql, wake, stack } = theStack();
    await functionsAreDone(theStack());
    const [due] = await sql<{ due: boolean }[]>`select public.response_work_due() as due`;
    assert.equal(due?.due, false);
    const requests = () =>
      stack.edge.workers().filter(({ function: name }) => name === "run-jobs")
        .reduce((sum, { requests }) => sum + requests, 0);
    const before = requests();
    await wake();
    assert.equal(requests(), before);
  });
}

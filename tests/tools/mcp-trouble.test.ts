/** An MCP server that fails in the middle of a job. Whatever it does: no call is made twice, and the job comes to an end. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startTroubleServer } from "../functions/mcp/support/trouble-server.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { isFinal, readJob, summarizeAttempts } from "../support/jobs.ts";
import { isLong } from "../support/long.ts";
import { startTestStack } from "../support/stack.ts";

const object = { type: "object" } as const;

const theStack = forFile(async (parts) => {
  const trouble = await startTroubleServer();
  parts.defer(() => trouble.stop());
  const test = await startTestStack(parts, {
    profiles: fileURLToPath(new URL("./support/trouble-profiles.ts", import.meta.url)),
    cronByHand: true,
    env: { TROUBLE_MCP_URL: trouble.url },
  });
  const { sql, openai, stack } = test;
  return Object.assign(test, {
    trouble,
    /** A server that works, with these tools, for workers that know nothing of it yet. */
    async begin(...tools: string[]) {
      openai.faults.clear();
      for (const name of ["respond", "run-jobs"]) await stack.edge.kill(name);
      Object.assign(trouble, {
        pages: [["count", ...tools].map((name) => ({ name, inputSchema: object }))],
        calls: [],
        requests: [],
        answer: undefined,
        change: undefined,
      });
    },
    calls: async (id: string) =>
      (await sql`
        select tool, status from public.response_steps
        where job_id = ${id} and kind = 'function_call' order by number`)
        .map(({ tool, status }) => `${tool} ${status}`),
  });
});

const twice = "[[plan: call trouble__count {}; reason; call trouble__count {}]]";
const isCall = (method: string) => method === "POST tools/call";

for (const profile of ["direct", "background"]) {
  Deno.test(`${profile}: a 401 at a call in mid-run goes to the model, and the job completes`, async () => {
    const { begin, submit, finished, trouble, calls } = theStack();
    await begin();
    trouble.answer = (method) =>
      isCall(method) && trouble.calls.length === 1
        ? new Response("token expired", { status: 401 })
        : undefined;
    const { id } = await submit(profile, twice);
    const job = await finished(id);
    assert.match(
      job.output_text ?? `${job.error_message}`,
      /The call was not made: .*401: token expired/,
    );
    assert.deepEqual([trouble.calls.length, await calls(id)], [1, [
      "count finished",
      "count failed",
    ]]);
  });

  const replaced: Record<string, [status: number, body: string]> = {
    "a 404 page": [404, "<html><title>404 Not Found</title></html>"],
    "words about a session": [400, "Upstream error: the session was closed after the call"],
    "a conflict": [409, '{"error":"in progress"}'],
  };
  for (const [what, [status, body]] of Object.entries(replaced)) {
    Deno.test(`${profile}: a gateway answers with ${what} in the place of a server that has made the call: held`, async () => {
      const { begin, submit, sql, trouble, calls, ask } = theStack();
      await begin();
      let asked = 0;
      // Whether the server has made it is not to be seen from here.
      trouble.answer = (method) => {
        if (!isCall(method)) return undefined;
        asked++;
        return new Response(body, { status });
      };
      const { id } = await submit(profile, "[[plan: call trouble__count {}]]");
      await eventually(
        "a person to be asked",
        () => readJob(sql, id),
        (job) => job.status === "needs_review",
      );
      assert.deepEqual([asked, await calls(id)], [1, ["count uncertain"]]);
      await ask({ path: `/${id}/cancel`, method: "POST" });
    });
  }

  Deno.test(`${profile}: a session that is forgotten between two calls: each is made once`, async () => {
    const { begin, submit, finished, trouble, calls } = theStack();
    await begin();
    trouble.change = (method) => {
      if (isCall(method)) trouble.forget();
      return undefined;
    };
    const { id } = await submit(profile, twice);
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assert.deepEqual([trouble.calls.length, await calls(id)], [2, [
      "count finished",
      "count finished",
    ]]);
  });

  Deno.test(`${profile}: a tool that is gone when its call is due is not called, and the model is told`, async () => {
    const { begin, submit, finished, trouble, calls } = theStack();
    await begin("gone");
    trouble.change = (method) => {
      // Whoever lists the tools after the request was made finds one less. The others know the old list.
      if (method === "POST tools/list") trouble.pages = [[{ name: "count", inputSchema: object }]];
      return undefined;
    };
    trouble.answer = async (method, request) => {
      if (!isCall(method)) return undefined;
      const { id } = Object(await request.clone().json());
      return Response.json({
        jsonrpc: "2.0",
        id,
        error: { code: -32_602, message: "Tool gone not found" },
      });
    };
    const { id } = await submit(profile, "[[plan: call trouble__gone {}]]");
    const job = await finished(id);
    assert.match(
      job.output_text ?? `${job.error_message}`,
      profile === "direct" ? /Tool gone not found/ : /There is no function 'trouble__gone'/,
    );
    assert.deepEqual([trouble.calls, (await calls(id)).length], [[], 1]);
  });

  Deno.test(`${profile}: a redirect to a metadata address is not followed`, async () => {
    const { begin, submit, finished, trouble, calls } = theStack();
    await begin();
    trouble.answer = (method) =>
      isCall(method)
        ? new Response(null, {
          status: 307,
          headers: { location: "http://169.254.169.254/latest" },
        })
        : undefined;
    const { id } = await submit(profile, "[[plan: call trouble__count {}]]");
    const job = await finished(id);
    assert.match(job.output_text ?? `${job.error_message}`, /The call was not made: .*Redirect/);
    assert.deepEqual(await calls(id), ["count failed"]);
  });

  Deno.test(`${profile}: 3 MB: the call was made, and the model is told so`, async () => {
    const { begin, submit, finished, trouble, calls } = theStack();
    await begin("large");
    const { id } = await submit(profile, '[[plan: call trouble__large {"bytes":3000000}]]');
    const job = await finished(id);
    assert.match(job.output_text ?? `${job.error_message}`, /"done":true.*the answer has 3 MB/);
    assert.deepEqual([trouble.calls.length, await calls(id)], [1, ["large finished"]]);
  });

  Deno.test(`${profile}: a connection that drops at a call is held for review, and asked once`, async () => {
    const { begin, submit, finished, trouble, calls, sql, ask } = theStack();
    await begin();
    trouble.change = (method, _response, drop) => {
      if (isCall(method)) drop();
      return undefined;
    };
    const { id } = await submit(profile, "[[plan: call trouble__count {}]]");
    await eventually(
      "the review",
      () => readJob(sql, id),
      ({ status }) => status === "needs_review",
    );
    assert.deepEqual(await calls(id), ["count uncertain"]);
    trouble.change = undefined;
    await ask({ path: `/${id}/resolve`, body: { outcome: "did_not_happen" } });
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assert.deepEqual(await calls(id), ["count finished"]);
  });
}

// Ten times as long as the server may be silent.
for (const profile of isLong ? ["direct", "background"] : []) {
  Deno.test(`${profile}: a call that reports its progress for 20 s is waited for`, async () => {
    const { begin, submit, trouble, calls, sql } = theStack();
    await begin("slow");
    const { id } = await submit(
      profile,
      '[[plan: call trouble__slow {"times":39,"everyMs":500}]]',
    );
    const job = await eventually("the end", () => readJob(sql, id), isFinal, { timeoutMs: 60_000 });
    assert.match(job.output_text ?? `${job.error_message}`, /trouble__slow returned: call 1/);
    assert.deepEqual([trouble.calls.length, await calls(id)], [1, ["slow finished"]]);
  });
}

Deno.test("careless: a connection that drops at a call: the model is told that nobody knows", async () => {
  const { begin, submit, finished, trouble } = theStack();
  await begin();
  trouble.change = (method, _response, drop) => {
    if (isCall(method)) drop();
    return undefined;
  };
  const job = await finished((await submit("careless", "[[plan: call trouble__count {}]]")).id);
  assert.match(job.output_text ?? "", /Nobody knows whether the call was made/);
});

/** A job whose model asks for a call in background, while the server begins to answer this to everything. */
async function closedMeanwhile(status: number): Promise<string> {
  const { begin, submit, trouble, sql, stack, openai } = theStack();
  await begin();
  openai.faults.set([{ kind: "background-works" }]);
  const { id } = await submit("background", "[[plan: sleep 1500ms; call trouble__count {}]]");
  await eventually("background", () => readJob(sql, id), (row) => row.status === "background");
  // A worker that knows the tools would not ask for them.
  for (const name of ["respond", "run-jobs"]) await stack.edge.kill(name);
  trouble.answer = () => new Response("closed", { status });
  return id;
}

Deno.test("a server that is down in mid-run: the call waits for it, and is made once", async () => {
  const { trouble, calls, sql, wake } = theStack();
  const id = await closedMeanwhile(503);
  await eventually(
    "an attempt that could not list the tools",
    () => summarizeAttempts(sql, id),
    (all) => all.some((each) => each.includes("tools_unavailable")),
  );
  assert.deepEqual(await calls(id), ["count waiting"]);
  trouble.answer = undefined;
  const job = await eventually("the end", async () => {
    await wake();
    return await readJob(sql, id);
  }, isFinal);
  assert.equal(job.status, "completed", job.error_message ?? "");
  assert.deepEqual([trouble.calls.length, await calls(id)], [1, ["count finished"]]);
});

Deno.test("a server that refuses its credential in mid-run fails the job, and nothing is called", async () => {
  const { trouble, finished } = theStack();
  const job = await finished(await closedMeanwhile(401));
  assert.deepEqual([job.status, job.error_code], ["failed", "tools_refused"]);
  assert.match(job.error_message ?? "", /Cannot list the tools of trouble: .*401/);
  assert.deepEqual(trouble.calls, []);
});

Deno.test("names that would clash as functions are different functions", async () => {
  const { begin, submit, finished, trouble, openai, calls } = theStack();
  const names = ["a.b", "a_b", "a b", "a-b", "ä", "ö", "_c", "__c", "x".repeat(70), "x".repeat(71)];
  await begin(...names);
  const from = openai.requests.length;
  await finished((await submit("direct", "[[plan: text hello]]")).id);
  const body = Object(openai.requests.slice(from).find(({ method }) => method === "POST")?.body);
  const offered: string[] = body.tools.map(({ name }: { name: string }) => name);
  assert.equal(new Set(offered).size, names.length + 1);
  for (const name of offered) assert.match(name, /^[\w-]{1,64}$/);
  const plan = offered.map((name) => `call ${name} {}`).join("; ");
  const { id } = await submit("direct", `[[plan: ${plan}]]`);
  const job = await finished(id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  assert.deepEqual(trouble.calls.map(({ name }) => name).sort(), ["count", ...names].sort());
  assert.equal((await calls(id)).length, names.length + 1);
});

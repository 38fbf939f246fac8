/** Several answers in one call: a person's, and outputs of calls that the caller makes. All are accepted, or none. */
import assert from "node:assert/strict";
import type { JSONValue } from "postgres";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import {
  askStep,
  digestOf,
  fenced,
  type StepInput,
  stepLines,
  stepsOf,
  view,
} from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** A call for the caller. */
const handedOut = (call_id: string, kind = "function_call", item_id = call_id): StepInput => ({
  item_id,
  kind,
  status: "waiting",
  effect: "once",
  tool: "open",
  run_by: "caller",
  arguments: "{}",
  item: { type: kind, id: item_id, call_id },
});

const asked = (m: Machine, work: AttemptKey, ...steps: StepInput[]) =>
  view(m, "suspend_response_job", { ...fenced(work), p_response_id: "resp_1", p_steps: steps });

const answer = (m: Machine, { id }: AttemptKey, answers: StepInput[], as: object = {}) =>
  view(m, "answer_response_job", {
    p_job_id: id,
    p_answers: answers,
    p_as_service: true,
    ...as,
  });

const yes = { request_id: "mcpr_1", approve: true };
const open = { call_id: "call_1", kind: "function_call", output: "open" };
const shut = { ...open, output: "shut" };

for (const turned of [false, true]) {
  sqlTest(
    `a yes and two outputs, ${turned ? "turned around" : "in order"}: the job continues`,
    async (m) => {
      const digest = await digestOf("mailbox", "send", '{"to":"a"}');
      const owner = await m.db.createUser();
      const work = await m.submitRunning({ owner_id: owner });
      await asked(m, work, askStep(), handedOut("call_1"), handedOut("call_2", "custom_tool_call"));
      const answers = [
        { ...yes, digest, reason: "fine" },
        open,
        { call_id: "call_2", kind: "custom_tool_call", output: "drawn" },
      ];
      const job = await answer(m, work, turned ? answers.toReversed() : answers, {
        p_owner_id: owner,
        p_as_service: false,
      });
      assert.equal(job.status, "queued");
      const steps = await stepsOf(m, work.id);
      assert.deepEqual(
        steps.map(({ status, output, answered_by }) => [status, output, answered_by]),
        [
          ["finished", null, owner],
          ["finished", "open", owner],
          ["finished", "drawn", owner],
        ],
      );
      assert.deepEqual(steps[0]?.["answer"], { approve: true, reason: "fine" });
    },
  );
}

sqlTest("what is left of the questions decides what the job waits for", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, askStep(), askStep("mcpr_2"), handedOut("call_1"), handedOut("call_2"));
  assert.equal((await answer(m, work, [open, yes])).status, "awaiting_approval");
  const no = { request_id: "mcpr_2", approve: false };
  assert.equal((await answer(m, work, [no])).status, "awaiting_tool_output");
  const last = { ...open, call_id: "call_2" };
  // What was accepted may come again next to what is new.
  assert.equal((await answer(m, work, [open, yes, no, last])).status, "queued");
  assert.equal((await answer(m, work, [open, yes, no, last])).status, "queued");
});

/** After a good yes and a good output, or before them: with the place of what is refused, if that is another one. */
const bad: [string, StepInput, string, { after?: number; before?: number }?][] = [
  ["a call that is not there", { ...open, call_id: "call_9" }, "DR409"],
  ["a call that is void", { ...open, call_id: "call_void" }, "DR409"],
  ["a call of ours", { ...open, call_id: "call_worker" }, "DR409"],
  ["another output than the accepted one", { ...shut, call_id: "call_done" }, "DR409"],
  ["an output of the wrong kind", { ...open, call_id: "call_2", kind: "shell_call" }, "DR400"],
  ["an unfit output", { call_id: "call_sh", kind: "shell_call", output: "text" }, "DR400"],
  ["a second, different output", shut, "DR400", { after: 1 }],
  ["an output without text", { call_id: "call_2" }, "DR400"],
  ["a no to what has its yes here", { ...yes, approve: false }, "DR400", { before: 1 }],
  ["a no to what was answered before", { request_id: "mcpr_done", approve: false }, "DR409"],
  ["a request that is not there", { request_id: "mcpr_9", approve: true }, "DR409"],
  ["another call than the one that was seen", {
    request_id: "mcpr_2",
    digest: "0".repeat(64),
    approve: true,
  }, "DR412"],
  ["neither", { request_id: "mcpr_2" }, "DR400"],
  ["both", { ...yes, ...open }, "DR400"],
];
for (const [what, answered, code, place] of bad) {
  for (const where of ["after", "before"] as const) {
    sqlTest(`${what}, ${where} good answers: none is written`, async (m) => {
      const work = await m.submitRunning();
      await asked(
        m,
        work,
        askStep(),
        askStep("mcpr_2"),
        askStep("mcpr_done", '{"to":"done"}'),
        handedOut("call_1"),
        handedOut("call_2"),
        handedOut("call_sh", "shell_call"),
        handedOut("call_done"),
        { ...handedOut("call_worker"), run_by: "worker" },
        { ...handedOut("call_void"), status: "void" },
      );
      await answer(m, work, [
        { ...open, call_id: "call_done" },
        { request_id: "mcpr_done", approve: true },
      ]);
      const before = await stepLines(m, work.id);
      const good = [yes, open];
      const error = await refused(
        answer(m, work, where === "before" ? [answered, ...good] : [...good, answered]),
        code,
      );
      const index = place?.[where] ?? { after: 2, before: 0 }[where];
      assert.equal(error.detail, `answers[${index}]`);
      assert.ok(error.hint);
      assert.deepEqual(await stepLines(m, work.id), before);
      assert.equal((await m.row(work.id))["status"], "awaiting_approval");
    });
  }
}

sqlTest("the same answer twice in one call is one answer", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, askStep(), handedOut("call_1"));
  assert.equal((await answer(m, work, [yes, open, open, yes])).status, "queued");
});

sqlTest("a call's id that is used again: the last outputs are for what waits", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, handedOut("call_1", "function_call", "fc_1"));
  await answer(m, work, [open]);
  const [again] = await m.claim();
  assert.ok(again);
  await asked(
    m,
    again,
    handedOut("call_1", "function_call", "fc_2"),
    handedOut("call_1", "function_call", "fc_3"),
  );
  const outputs = (...texts: string[]) => texts.map((output) => ({ ...open, output }));
  await refused(answer(m, work, outputs("other", "b", "c")), "DR400");
  assert.equal((await answer(m, work, outputs("open", "b", "c"))).status, "queued");
  assert.deepEqual((await stepsOf(m, work.id)).map(({ output }) => output), ["open", "b", "c"]);
});

sqlTest("a request's id that is used again is told apart by the number of its step", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, askStep());
  await answer(m, work, [{ ...yes, approve: false, number: 1 }]);
  const [again] = await m.claim();
  assert.ok(again);
  await asked(m, again, askStep());
  const both = [{ ...yes, approve: false, number: 1 }, { ...yes, number: 2 }];
  assert.equal((await answer(m, work, both)).status, "queued");
  assert.deepEqual((await stepsOf(m, work.id)).map((step) => step["answer"].approve), [
    false,
    true,
  ]);
});

sqlTest("what the guard answered is nobody's answer", async (m) => {
  const work = await m.submitRunning();
  await view(m, "suspend_response_job", {
    ...fenced(work),
    p_response_id: "resp_1",
    p_steps: [askStep(), askStep("mcpr_2")],
    p_answers: { mcpr_1: { approve: true } },
  });
  await refused(answer(m, work, [yes]), "DR409");
});

sqlTest("somebody else's answers, no answers, and too many are refused", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await asked(m, work, askStep(), handedOut("call_1"));
  const stranger = { p_owner_id: await m.db.createUser(), p_as_service: false };
  await refused(answer(m, work, [yes, open], stranger), "DR404");
  await refused(answer(m, work, []), "DR400");
  await refused(answer(m, work, Array.from({ length: 1001 }, () => yes)), "DR400");
  assert.deepEqual(await stepLines(m, work.id), ["send waiting", "open waiting"]);
});

sqlTest("an odd value is refused by its name, and nothing is written", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, askStep(), handedOut("call_1"));
  const odd: [JSONValue, RegExp][] = [
    [7, /must be an object, not number/],
    [null, /must be an object, not null/],
    ["call_id", /must be an object, not string/],
    [{ ...yes, number: "x" }, /"?number"? must be a whole number.*is "x"/],
    [{ ...yes, number: 1.5 }, /whole number from 1 to 2147483647, but is 1\.5/],
    [{ ...yes, number: 1e300 }, /whole number/],
    [{ ...yes, number: 0 }, /whole number/],
    [{ ...yes, approve: "true" }, /approve must be of type boolean, but is "true"/],
    [{ ...yes, reason: { a: 1 } }, /reason must be of type string/],
    [{ ...yes, request_id: 1 }, /request_id must be of type string/],
    [{ ...yes, digest: [] }, /digest must be of type string/],
    [{ ...open, call_id: 1 }, /call_id must be of type string/],
    [{ ...open, kind: true }, /kind must be of type string/],
    [{ ...open, output: { a: 1 } }, /output must be of type string/],
    [{ ...open, parts: "x" }, /parts must be of type array/],
    [{ ...open, arguments: "{}" }, /one of them is 'arguments'/],
  ];
  for (const [given, wanted] of odd) {
    const error = await refused(
      m.call("answer_response_job", {
        p_job_id: work.id,
        p_answers: [open, given],
        p_as_service: true,
      }),
      "DR400",
    );
    assert.match(error.message, wanted);
    assert.equal(error.detail, "answers[1]");
  }
  assert.deepEqual(await stepLines(m, work.id), ["send waiting", "open waiting"]);
});

sqlTest("a screenshot that somebody else sends again is the accepted one", async (m) => {
  const work = await m.submitRunning();
  await asked(m, work, handedOut("call_1", "computer_call"));
  const shown = (sender: string, digit = "a", kind = "computer_call") => ({
    call_id: "call_1",
    kind,
    output: JSON.stringify({
      output: {
        type: "computer_screenshot",
        storage: { bucket: "response_files", path: `${sender}/${digit.repeat(64)}.png` },
      },
    }),
  });
  // As an answer that was accepted, without the file in Storage.
  await m.db.owner`
    update public.response_steps set status = 'finished', finished_at = now(), output = ${
    shown("server").output
  }, answer = '{"outcome": "answered"}', answered_by = 'service', answered_at = now()
    where job_id = ${work.id} and call_id = 'call_1'`;
  const { status } = await answer(m, work, [shown(crypto.randomUUID())]);
  assert.equal(status, "awaiting_tool_output");
  await refused(answer(m, work, [shown("server", "b")]), "DR409");
});

sqlTest("of ten who answer at once all get the job, and one is recorded", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await asked(m, work, askStep(), handedOut("call_1"));
  const jobs = await Promise.all(Array.from({ length: 10 }, () => answer(m, work, [open, yes])));
  assert.ok(jobs.every(({ status }) => status === "queued"));
  assert.deepEqual(await stepLines(m, work.id), ["send finished", "open finished"]);
});

sqlTest(
  "answers that came too late are refused, and those that came in time are no news",
  async (m) => {
    const work = await m.submitRunning({ approval_ms: 60_000 });
    await asked(m, work, askStep(), handedOut("call_1"));
    await answer(m, work, [yes]);
    m.clock.advance(60_001);
    await refused(answer(m, work, [yes, open]), "DR409");
    assert.equal((await answer(m, work, [yes])).status, "awaiting_tool_output");
  },
);

sqlTest(
  "the job that has asked for most of the calls is found, or the one that is named",
  async (m) => {
    const owner = await m.db.createUser();
    const first = await m.submitRunning({ owner_id: owner });
    await asked(m, first, handedOut("call_1"), handedOut("call_2"));
    const second = await m.submitRunning({ owner_id: owner });
    await asked(m, second, handedOut("call_1"));
    const find = (p_call_ids: string[], p_job_id?: string) =>
      m.call("find_response_tool_calls", {
        p_call_ids,
        p_owner_id: owner,
        ...(p_job_id && { p_job_id }),
      });
    const line = (call_id: string, { id: job_id }: AttemptKey) => ({
      call_id,
      job_id,
      waits: true,
      numbers: [call_id === "call_1" ? 1 : 2],
    });
    assert.deepEqual(await find(["call_1"]), [line("call_1", second)]);
    assert.deepEqual(await find(["call_1"], first.id), [line("call_1", first)]);
    assert.deepEqual(await find(["call_1", "call_2", "call_9"]), [
      line("call_1", first),
      line("call_2", first),
    ]);
    await m.call("cancel_response_job", { p_job_id: second.id, p_as_service: true });
    assert.deepEqual(await find(["call_1"]), [{ ...line("call_1", second), waits: false }]);
  },
);

/** Servers that fall silent before anything is called: they are given up, and hold no run. */
import assert from "node:assert/strict";
import {
  CallRefused,
  CallUnanswered,
} from "../../../supabase/functions/_durable_responses/tools/mcp/server.ts";
import { eventually } from "../../support/eventually.ts";
import type { TroubleServer } from "./support/trouble-server.ts";
import { callsOf, withTrouble } from "./support/trouble-session.ts";

/** Requests of a method get no answer, ever. */
function isSilentAt(trouble: TroubleServer, silent: string): void {
  trouble.answer = (method) => method === silent ? new Promise<never>(() => {}) : undefined;
}

Deno.test("a server that never takes the end of the greeting is given up: the call was not made", async () => {
  await withTrouble(
    async ({ trouble, call }) => {
      isSilentAt(trouble, "POST notifications/initialized");
      await assert.rejects(
        call("count"),
        (error: Error) =>
          error instanceof CallRefused &&
          /cannot connect: there was no answer within 0.2 s/.test(error.message),
      );
      trouble.answer = undefined;
      await call("count");
      assert.equal(callsOf(trouble, "count"), 1);
    },
    {},
    { limits: { answerMs: 200, listMs: 60_000 } },
  );
});

Deno.test("a run that stops while its server is silent does not wait, and neither does the end of the session", async () => {
  await withTrouble(async ({ trouble, session, call }) => {
    isSilentAt(trouble, "POST notifications/initialized");
    const stop = new AbortController();
    const [stopped, other] = [call("count", {}, stop.signal), call("count")];
    const ended = Promise.allSettled([stopped, other]);
    await eventually(
      "the greeting",
      () => trouble.requests.includes("POST notifications/initialized"),
    );
    stop.abort();
    await assert.rejects(stopped, /cannot connect: the run was stopped during it/);
    await session.close();
    await assert.rejects(other, /cannot connect: the run was stopped during it/);
    await ended;
    assert.deepEqual(trouble.calls, []);
  });
});

Deno.test("all pages of a list have one time together", async () => {
  await withTrouble(
    async ({ trouble, session }) => {
      trouble.pages = [[], [], []];
      let pages = 0;
      trouble.answer = (method) =>
        method === "POST tools/list" && ++pages === 3 ? new Promise<never>(() => {}) : undefined;
      await assert.rejects(
        session.listTools(new AbortController().signal),
        (error: Error) =>
          error instanceof CallUnanswered && /within [0-3][.\d]* s/.test(error.message),
      );
    },
    {},
    { limits: { answerMs: 60_000, listMs: 3_000 } },
  );
});

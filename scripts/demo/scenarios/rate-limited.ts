import { findEmail } from "../../../packages/dev/mcp/mailbox.ts";
import type { Scenario } from "../scenario.ts";
import { expect } from "../scenario.ts";
import { completed, expectMailbox } from "./mail.ts";

const retryAfterMs = 3_000;
const queries = ["the overdue invoice", "the booking to Lisbon", "the kick-off meeting"];

export const rateLimited: Scenario = {
  name: "rate-limited",
  title: "a 429 with Retry-After pauses the route for all its jobs; afterwards they complete",
  hurryCron: true,
  faults: [{ kind: "rate-limited", retryAfterMs: retryAfterMs, times: 1 }],
  async run(context) {
    const { caller, stack: { openai }, until } = context;
    const ask = (about: string, index: number) =>
      caller.ask({
        profile: "mail-sync",
        query: `Find the email about ${about} [[plan: ${findEmail(about)}; text Here it is.]]`,
        label: `job ${index + 1}`,
      });
    const [about = "", ...others] = queries;
    await ask(about, 0);
    const route = await until(
      "the route is paused",
      ({ routes }) => routes.find(({ paused_until }) => paused_until !== null),
    );
    const refusedAt = openai.requests.at(-1)?.at ?? 0;
    const pausedUntil = route.paused_until ?? 0;
    expect(
      pausedUntil - refusedAt >= retryAfterMs,
      `the pause is at least Retry-After: ${pausedUntil - refusedAt} ms`,
    );
    for (const [index, other] of others.entries()) await ask(other, index + 1);
    for (const id of caller.jobs) await completed(context, id);
    const early = openai.requests.filter(({ at }) => at > refusedAt && at < pausedUntil);
    expect(early.length === 0, `no request went out during the pause: ${early.length}`);
    expectMailbox(context, { finds: queries.length, replies: 0, emails: 0 });
  },
};

/** A job whose response has asked, and nobody has heard of it yet. */
import { z } from "zod";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { ProfileName } from "../../support/profiles.ts";
import type { TestStack } from "../../support/stack.ts";
import { openaiIsDone } from "../background/at-openai.ts";
import { begin, query, works } from "./mail.ts";

export const askedBody = z.looseObject({ id: z.string(), output: z.array(z.looseObject({})) });

export const continuedInBackground = [
  "background continued",
  "synchronous continued",
  "background completed",
];

/**
 * Submits; the first webhook is lost, and the response that asks has ended.
 * @returns also the response, and what sends its webhook
 */
export async function askedUnheard(
  test: TestStack,
  profile: ProfileName = "mail",
  asks = query,
) {
  const { openai, sql, submit, fresh } = test;
  begin(test, [works]);
  openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
  const { id } = await submit(fresh(profile), asks);
  await openaiIsDone(test);
  const { response_id } = await eventually(
    "the response's id",
    () => readJob(sql, id),
    (row) => row.response_id !== null,
  );
  const first = response_id ?? "";
  const got = await fetch(`${openai.url}/responses/${first}`, {
    headers: { authorization: `Bearer ${openai.apiKey}` },
  });
  const body = askedBody.parse(await got.json());
  const hear = () => openai.webhooks.send({ type: "response.completed", responseId: first });
  return { id, first, body, hear };
}

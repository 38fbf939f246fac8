/** The unchanged supabase-js with the test's own `fetch`, which records requests and returns given answers. */
import { createClient } from "@supabase/supabase-js";
import {
  createDurableResponses,
  type DurableResponses,
  type DurableResponsesOptions,
} from "../../../packages/client/src/index.ts";

export interface Sent {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

/** Answers of the server, in order. The last one is repeated. An Error is thrown, as if no answer came. */
export type Answer = (() => Response) | Error;

export function clientWith(
  answers: Answer[],
  options: DurableResponsesOptions = {},
): { responses: DurableResponses; sent: Sent[] } {
  const sent: Sent[] = [];
  const answer = async (
    input: RequestInfo | URL,
    init?: RequestInit,
  ): Promise<Response> => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    sent.push({
      method: request.method,
      path: pathname + search,
      headers: request.headers,
      body: await request.text(),
    });
    const next = answers[Math.min(sent.length, answers.length) - 1];
    if (next === undefined) {
      throw new Error("Cannot answer: the test gave no answers");
    }
    if (next instanceof Error) throw next;
    return next();
  };
  const supabase = createClient("http://project.test", "sb_publishable_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    accessToken: () => Promise.resolve("token"),
    global: { fetch: answer },
  });
  return { responses: createDurableResponses(supabase, options), sent };
}

/** A job as the function returns it. */
export const someJob = {
  id: "0192f0c1-2222-4333-8444-555566667777",
  status: "queued",
  profile: "default",
  metadata: {},
  attempt: 0,
  deadline: "2026-01-02T00:00:00+00:00",
  created_at: "2026-01-01T00:00:00+00:00",
  updated_at: "2026-01-01T00:00:00+00:00",
};

export const json = (status: number, body: unknown, headers: Record<string, string> = {}) => () =>
  Response.json(body, { status, headers });

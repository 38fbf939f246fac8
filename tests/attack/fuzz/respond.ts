/** `/respond` and below. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { countJobs } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import {
  badToken,
  bodyOf,
  headerValue,
  items,
  json,
  nearly,
  text,
} from "../support/arbitraries.ts";
import { forAllAtOnce } from "../support/fuzz.ts";
import { assertDocumented, see, type Seen } from "../support/refusals.ts";

/** Short, so that no accepted wait delays the attack, or invalid. */
const wait = fc.oneof(
  fc.constantFrom(0, 0.01),
  fc.constantFrom(-1, 120.5, 1e308, "1", null, true, [], "x"),
);

const submission = bodyOf(fc.oneof(
  fc.record({
    query: nearly(text),
    input: nearly(fc.oneof(text, items)),
    profile: nearly(fc.constantFrom("plain", "plain", "nobody", "constructor")),
    metadata: nearly(fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()))),
    wait,
    request: json,
  }, { requiredKeys: [] }),
  fc.record({ input: items, profile: fc.constant("plain") }),
  // Correct, except for the content of its texts.
  fc.record({
    query: text.map((given) => `hi ${given}`),
    profile: fc.constant("plain"),
    metadata: fc.dictionary(text.map((key) => key.slice(0, 64)), text),
  }, { requiredKeys: ["query", "profile"] }),
  json,
));

const submitHeaders = fc.record({
  "idempotency-key": headerValue,
  prefer: fc.oneof(headerValue, fc.constantFrom("wait=0", "wait=-1", "wait=1e9", "WAIT=x, wait=0")),
  "content-type": headerValue,
  "content-encoding": fc.constant("gzip"),
}, { requiredKeys: [] });

export function fuzzRespond(theStack: () => TestStack): void {
  const send = (path: string, init: RequestInit) =>
    see(fetch(`${theStack().stack.functionsUrl}/respond${path}`, init));
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  /** Runs an attack, and asserts that there are as many new rows as accepted jobs. @returns how many */
  async function rowsMatch(attack: (accepted: Set<string>) => Promise<void>): Promise<number> {
    const { sql } = theStack();
    const before = await countJobs(sql);
    const accepted = new Set<string>();
    await attack(accepted);
    assert.equal(await countJobs(sql) - before, accepted.size);
    return accepted.size;
  }

  /** A submission: a job, which OpenAI may have refused at once, or a documented refusal. */
  function judge(seen: Seen, accepted: Set<string>): void {
    if (seen.status !== 200 && seen.status !== 202) return assertDocumented(seen);
    const job: unknown = JSON.parse(seen.text);
    assert.ok(typeof job === "object" && job !== null && "id" in job);
    accepted.add(String(job.id));
  }

  Deno.test("fuzz: whatever a user submits is a job, or a documented 4xx and no row", async () => {
    const { user } = theStack();
    const accepted = await rowsMatch((accepted) =>
      forAllAtOnce(fc.tuple(submission, submitHeaders), 500, async ([body, headers]) => {
        const init = { method: "POST", body, headers: { ...headers, ...bearer(user.token) } };
        judge(await send("", init), accepted);
      })
    );
    assert.ok(accepted > 0, "the attack never came past the checks");
  });

  Deno.test("fuzz: whatever a server submits is a job, or a documented 4xx and no row", async () => {
    const { stack } = theStack();
    const tool = fc.record({
      type: nearly(fc.constant("mcp")),
      server_label: nearly(text),
      server_url: nearly(fc.oneof(text, fc.webUrl({ withQueryParameters: true }))),
      headers: nearly(fc.dictionary(text, fc.oneof(text, fc.constant("{{MAILBOX_MCP_TOKEN}}")))),
      authorization: nearly(text),
      allowed_tools: json,
    }, { requiredKeys: [] });
    const request = fc.record({
      model: nearly(text),
      input: nearly(fc.oneof(text, items)),
      tools: nearly(fc.array(tool, { maxLength: 2 })),
      metadata: nearly(fc.dictionary(text, text)),
      include: json,
    }, { requiredKeys: [] });
    const accepted = await rowsMatch((accepted) =>
      forAllAtOnce(bodyOf(fc.record({ request })), 400, async (body) => {
        judge(await send("", { method: "POST", body, headers: bearer(stack.secretKey) }), accepted);
      })
    );
    assert.ok(accepted > 0, "the attack never came past the checks");
  });

  Deno.test("fuzz: no token but a real one gets further than 401", async () => {
    const { user } = theStack();
    const paths = fc.constantFrom("", `/${crypto.randomUUID()}`, "/v1/responses", "/v1/models");
    await rowsMatch(() =>
      forAllAtOnce(fc.tuple(badToken(user.token), paths), 600, async ([token, path]) => {
        const submits = path === "" || path === "/v1/responses";
        const seen = await send(path, {
          method: submits ? "POST" : "GET",
          headers: { ...bearer(token), apikey: token },
          ...(submits && { body: '{"query":"hi"}' }),
        });
        assert.equal(seen.status, 401, seen.text);
      })
    );
  });

  Deno.test("fuzz: any path, method and body: a documented 4xx, and another user's job stays unseen", async () => {
    const { stack, submit, user } = theStack();
    const theirs = (await submit("plain", "hi")).id;
    const other = await stack.createUser();
    const segment = fc.oneof(
      fc.constantFrom(theirs, theirs.toUpperCase(), crypto.randomUUID(), "v2", "", ";a"),
      fc.constantFrom("cancel", "retry", "approve", "resolve", "toString", "%2e%2e%2f", "%", "%zz"),
      text.map((given) => encodeURIComponent(given.toWellFormed())),
    );
    const path = fc.tuple(
      fc.constantFrom(theirs, crypto.randomUUID(), "x"),
      fc.array(segment, {
        maxLength: 3,
      }),
    ).map(([id, rest]) => `/${[id, ...rest].join("/")}`);
    const method = fc.constantFrom("GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "FOO");
    const body = bodyOf(nearly(fc.record({
      approve: nearly(fc.boolean()),
      reason: text,
      request_id: text,
      outcome: nearly(fc.constantFrom("happened", "did_not_happen", "cancel")),
      output: text,
    }, { requiredKeys: [] })));
    await rowsMatch(() =>
      forAllAtOnce(fc.tuple(path, method, body), 800, async ([path, method, body]) => {
        const seen = await send(path, {
          method,
          headers: bearer(other.token),
          ...(method !== "GET" && method !== "HEAD" && { body }),
        });
        assertDocumented(seen);
        assert.ok(!seen.text.includes(user.id), seen.text);
      })
    );
    const { body: after } = await theStack().ask({ path: `/${theirs}` });
    assert.ok(["background", "queued"].includes(after.status ?? ""), String(after.status));
  });
}

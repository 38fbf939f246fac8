/** Random answers: correct and broken pieces, in any order. */
import fc from "fast-check";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import {
  cancel,
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  sent,
  stream,
  streamed,
} from "./answers.ts";

type Raw = Extract<Fault, { kind: "raw" }>;

/** Too long for an index. Random, because a text of one letter would compress. */
const [noise = ""] = fc.sample(
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefghijklmnopqrstuvwxyz"), minLength: 3_000 }),
  { numRuns: 1, seed: 1 },
);
const id = fc.constantFrom("", "same", "mcp_1", "{{id}}", noise);
/** Names that every JavaScript object has. */
const inherited = fc.constantFrom("constructor", "toString", "__proto__");
const odd = fc.constantFrom<unknown>(null, "", 7, [], {}, "text", [null], { a: [1] });
const told = fc.record({
  code: fc.constantFrom<unknown>(
    null,
    429,
    "503",
    "server_error",
    "context_length_exceeded",
    "a_code_of_next_year",
    "constructor",
  ),
  type: fc.constantFrom<unknown>(null, "invalid_request_error", "server_error", 3),
  message: fc.constantFrom<unknown>(
    "no",
    null,
    "try again in 20ms",
    "Cannot decode 'insufficient_quota'",
    "Request too large: limit 1, requested 2",
  ),
}, { requiredKeys: [] });
const item = fc.oneof(
  id.map((own) => sent("fake@example.com", own)),
  id.map((own) => message("an answer", { id: own })),
  id.map((own) => ({ id: own, type: "reasoning", summary: [] })),
  id.map((own) => ({ id: own, type: "web_search_call", status: "completed", action: null })),
  // Two requests may have the same id, or an invalid one.
  fc.tuple(id, odd).map(([own, args]) => ({
    id: own,
    type: "mcp_approval_request",
    server_label: "mailbox",
    name: "gmail_find_email",
    arguments: args,
  })),
  fc.tuple(id, id, fc.oneof(inherited, odd)).map(([own, call_id, name]) => ({
    id: own,
    type: "function_call",
    call_id,
    name,
    arguments: '{"a": 1, "a": 9007199254740993}',
  })),
  fc.record({ type: fc.oneof(odd, inherited), id: odd, content: odd, output: odd }, {
    requiredKeys: [],
  }),
);
const output = fc.oneof({ weight: 3, arbitrary: fc.array(item, { maxLength: 4 }) }, {
  weight: 1,
  arbitrary: odd,
});
const status = fc.constantFrom(
  "queued",
  "in_progress",
  "completed",
  "failed",
  "incomplete",
  "cancelled",
  "thinking",
);
const whole = fc.tuple(status, output, fc.oneof(told, odd), odd, id).map(
  ([given, items, error, usage, own]) =>
    response(given, items, {
      error,
      ...(own === noise ? { id: own } : {}),
      ...(usage === "" ? {} : { usage }),
    }),
);

/** A body that is a response, or a part of one. */
const body = fc.oneof(
  { weight: 4, arbitrary: whole.map((given) => JSON.stringify(given)) },
  {
    weight: 1,
    arbitrary: whole.chain((given) => {
      const text = JSON.stringify(given);
      return fc.nat(text.length).map((length) => text.slice(0, length));
    }),
  },
  { weight: 1, arbitrary: fc.oneof(told, fc.string()).map((error) => JSON.stringify({ error })) },
  { weight: 1, arbitrary: fc.constantFrom("", "<html>please wait</html>", "null", "[]", "{}") },
);
const httpStatus = fc.constantFrom(
  200,
  200,
  200,
  202,
  204,
  302,
  307,
  400,
  401,
  403,
  404,
  409,
  429,
  500,
  502,
  504,
  524,
);
const headers = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { "retry-after": "0.01" },
  {
    "retry-after": "1e999",
  },
  { "retry-after": "Tue, 01 Dec 2015 07:28:00 GMT" },
  { location: "/v1/responses" },
);

/** Every event of the API that is read, some unknown ones, and values that are not events. */
const event = fc.oneof(
  fc.tuple(item, fc.oneof(fc.nat(3), odd)).map(([given, place]) =>
    streamed(Object(given), Number(place))
  ),
  fc.constantFrom("completed", "failed", "incomplete").chain((end) =>
    fc.tuple(output, fc.oneof(told, odd)).map(([items, error]) => [ended(end, items, { error })])
  ),
  told.map((error) => [{ type: "error", error }]),
  odd.map((given) => [{ type: "response.output_item.done", item: given, output_index: given }]),
  fc.constantFrom<unknown[]>(
    [": keep-alive\n\n"],
    ["data: [DONE]\n\n"],
    ["event: response.output_text.delta\ndata: {not json\n\n"],
    ["data: 7\n\n"],
    ["event: error\ndata: {}\n\n"],
    [{ type: "response.hologram.done", hologram: null }],
    [{ type: "toString" }],
    [{ type: "a\n\ndata: {}", output_index: 0 }],
    [{ type: "response.completed" }],
    ["data: <html>\n\n"],
  ),
);
const lineEnd = fc.constantFrom("\n", "\r", "\r\n");
const events = fc.tuple(fc.array(event, { maxLength: 6 }), lineEnd, fc.nat(6)).map(
  ([given, end, cutOff]) => {
    const flat: unknown[] = given.flat();
    const text =
      stream(...flat.map((each) => typeof each === "string" ? each : { ...Object(each) })).body;
    return text.slice(0, text.length - cutOff).replaceAll("\n", end);
  },
);

const ends = fc.constantFrom<NonNullable<Raw["then"]>>("end", "end", "drop");
const answer = fc.tuple(httpStatus, headers, body).map(([given, more, text]) => ({
  status: given,
  headers: more,
  body: text,
}));
const once = { times: 1 } as const;

/** The faults that one job meets at OpenAI, each once. */
export const faults = fc.record({
  /** For the create: whether the request is carried out, whatever the answer. */
  create: fc.option(
    fc.tuple(answer, fc.boolean(), ends).map(([given, runs, then]) =>
      raw(createBackground, given, { ...once, runs, then })
    ),
  ),
  works: fc.boolean(),
  streams: fc.array(
    fc.tuple(events, fc.boolean(), ends).map(([text, runs, then]) =>
      raw(createStream, { type: "text/event-stream", body: text }, { ...once, runs, then })
    ),
    { maxLength: 2 },
  ),
  retrieves: fc.array(answer.map((given) => raw(retrieve, given, once)), { maxLength: 3 }),
  cancels: fc.array(answer.map((given) => raw(cancel, given, once)), { maxLength: 2 }),
}).map(({ create, works, streams, retrieves, cancels }): Fault[] => [
  ...(create ? [create] : []),
  ...(works
    ? [{ kind: "background-works", ...once } as const]
    : [{ kind: "stuck-in-progress", match: createBackground, ...once } as const]),
  ...streams,
  ...retrieves,
  ...cancels,
]);

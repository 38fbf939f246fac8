/** Several answers in one request: a person's, and outputs of calls that the caller makes. All are accepted, or none. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import {
  callsOf,
  find,
  type Item,
  itemsOf,
  open,
  outputsOf,
  porterOn,
  reply,
  requestsOf,
  type Response,
  yesesOf,
} from "./support/porter.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

const { ask, create, done, mails } = porterOn(theSdk);

/** How a library may send the answers: in either order, alone or among history. */
const forms: [string, (asked: Response, question: Item) => [Item[], object?]][] = [
  ["the yes first", (asked) => [
    [...yesesOf(asked), ...outputsOf(asked)],
    { previous_response_id: asked.id },
  ]],
  ["the output first", (asked) => [
    [...outputsOf(asked), ...yesesOf(asked)],
    { previous_response_id: asked.id },
  ]],
  ["without previous_response_id", (asked) => [[...yesesOf(asked), ...outputsOf(asked)]]],
  ["after the history", (asked, question) => [
    [question, ...itemsOf(asked), ...yesesOf(asked), ...outputsOf(asked)],
  ]],
  ["each beside its question, as references", (asked, question) => [[
    question,
    ...callsOf(asked).map(({ id }) => ({ type: "item_reference", id })),
    ...outputsOf(asked),
    { type: "message", role: "assistant", content: "Wait." },
    ...requestsOf(asked).map(({ id }) => ({ type: "item_reference", id })),
    ...yesesOf(asked),
  ]]],
];
for (const [how, form] of forms) {
  Deno.test(`a yes and an output, ${how}: one run, one email`, async () => {
    const { question, asked } = await ask(find, open("1"), reply);
    assert.deepEqual([callsOf(asked).length, requestsOf(asked).length], [1, 1]);
    const before = mails();
    const [input, more] = form(asked, question);
    await done(create(input, more), asked, before);
    // A library's own repeat.
    assert.equal((await create(input, more)).id, asked.id);
    assert.equal(mails() - before, 1);
  });
}

Deno.test("two outputs, each beside its call, and the yes later", async () => {
  const { question, asked } = await ask(find, open("1"), open("2"), reply);
  const before = mails();
  const pairs = callsOf(asked).flatMap((call, index) => [{ ...call }, {
    type: "function_call_output",
    call_id: call.call_id,
    output: "it is open",
  }, ...(index === 0 ? [{ role: "assistant", content: "And the other." }] : [])]);
  const half = await create([question, ...pairs]);
  assert.deepEqual([half.id, callsOf(half).length, requestsOf(half).length], [asked.id, 0, 1]);
  assert.equal(mails(), before);
  // What was given before comes again, shortened as some libraries do with what is old.
  const shortened = pairs.map((item) => item["output"] ? { ...item, output: "…" } : item);
  await done(
    create([question, ...shortened, ...itemsOf(half), ...yesesOf(half)]),
    asked,
    before,
  );
});

Deno.test("the second turn asks again: the answers of the first are history", async () => {
  const first = await ask(find, open("1"), reply);
  const before = mails();
  const turn = [first.question, ...itemsOf(first.asked), ...outputsOf(first.asked)];
  const whole = [...turn, ...yesesOf(first.asked)];
  const said = await create(whole);
  assert.equal(said.id, first.asked.id);
  const history = [...whole, ...itemsOf(said)];
  const question = {
    role: "user",
    content: `Again ${crypto.randomUUID()} [[plan: ${[find, open("2"), reply].join("; ")}]]`,
  };
  const asked = await create([...history, question]);
  assert.notEqual(asked.id, said.id);
  assert.deepEqual([callsOf(asked).length, requestsOf(asked).length], [1, 1]);
  assert.equal(mails(), before + 1);
  const input = [...history, question, ...itemsOf(asked), ...outputsOf(asked), ...yesesOf(asked)];
  await done(create(input), asked, before + 1);
});

for (const apart of [false, true]) {
  Deno.test(`streamed: an output and a yes, ${apart ? "one after the other" : "together"}`, async () => {
    const { asked } = await ask(find, open("1"), reply);
    const before = mails();
    const stream = (input: Item[]) =>
      theSdk().client.responses.stream({
        model: "porter",
        previous_response_id: asked.id,
        input: input as unknown as OpenAI.Responses.ResponseInput,
      }).finalResponse() as Promise<Response>;
    if (apart) {
      const half = await stream(outputsOf(asked));
      assert.deepEqual([half.id, callsOf(half).length, requestsOf(half).length], [asked.id, 0, 1]);
      await done(stream(yesesOf(half)), asked, before);
    } else {
      await done(stream([...outputsOf(asked), ...yesesOf(asked)]), asked, before);
    }
  });
}

interface Others {
  /** A response of the same user, which waits too. */
  own: Response;
  /** One of another user. */
  theirs: Response;
}
interface Refused {
  /** Added to a good yes and a good output, where `…` stands: after them, or before. */
  items: (asked: Response, others: Others) => Item[];
  status: number;
  code: string;
  /** Of the item that is refused, counted from the first added one. */
  param: string;
}
const refusals: Record<string, Refused> = {
  "a call that nobody made": {
    items: () => [{ type: "function_call_output", call_id: "call_none", output: "x" }],
    status: 400,
    code: "item_not_found",
    param: "call_id",
  },
  "somebody else's call": {
    items: (_, { theirs }) => outputsOf(theirs),
    status: 400,
    code: "item_not_found",
    param: "call_id",
  },
  "somebody else's request": {
    items: (_, { theirs }) => yesesOf(theirs),
    status: 400,
    code: "item_not_found",
    param: "approval_request_id",
  },
  "a request that is not there": {
    items: (asked) => [{
      type: "mcp_approval_response",
      approval_request_id: requestsOf(asked)[0]?.id.replace(/_\d+$/, "_999"),
      approve: true,
    }],
    status: 409,
    code: "invalid_state",
    param: "approval_request_id",
  },
  "an output of the wrong kind": {
    items: (asked) => [{
      type: "custom_tool_call_output",
      call_id: callsOf(asked)[1]?.call_id,
      output: "x",
    }],
    status: 400,
    code: "invalid_request",
    param: "call_id",
  },
  "an output that cannot be read": {
    items: (asked) => [{ type: "function_call_output", call_id: callsOf(asked)[1]?.call_id }],
    status: 400,
    code: "invalid_value",
    param: "output",
  },
};
for (const [what, { items, status, code, param }] of Object.entries(refusals)) {
  for (const first of [false, true]) {
    Deno.test(`${what}, ${first ? "before" : "after"} a yes and an output: nothing is accepted`, async () => {
      const { asked } = await ask(find, open("1"), open("2"), reply);
      const bad = items(asked, await others());
      const good = [...yesesOf(asked), outputsOf(asked)[0] ?? assert.fail()];
      const refusal = await refusalOf(create(first ? [...bad, ...good] : [...good, ...bad]));
      assert.deepEqual(
        [refusal.status, refusal.code, refusal.param],
        [status, code, `input[${first ? 0 : good.length}].${param}`],
        refusal.message,
      );
      await untouched(asked);
    });
  }
}

Deno.test("a call that is answered twice: once if it is the same, refused if it is not", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const before = mails();
  const [yes, output] = [...yesesOf(asked), ...outputsOf(asked)] as [Item, Item];
  for (
    const twice of [[output, { ...output, output: "shut" }], [{ ...output, output: "" }, output]]
  ) {
    const refusal = await refusalOf(create([yes, ...twice]));
    assert.deepEqual([refusal.status, refusal.param], [400, "input[1].call_id"], refusal.message);
    await untouched(asked);
  }
  await done(create([output, yes, output, yes]), asked, before);
  const other = await refusalOf(create([yes, { ...output, output: "shut" }]));
  assert.deepEqual([other.status, other.code, other.param], [
    409,
    "invalid_state",
    "input[1].call_id",
  ]);
});

Deno.test("yes and no to one request: refused, and nothing is accepted", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const input = [...yesesOf(asked), ...outputsOf(asked), ...yesesOf(asked, false)];
  const refusal = await refusalOf(create(input));
  assert.deepEqual([refusal.status, refusal.param], [400, "input[2].approval_request_id"]);
  await untouched(asked);
});

Deno.test("a yes to another call than the one that waits: its output is not accepted either", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const shown = requestsOf(asked).map((item) => ({ ...item, arguments: '{"to":"mallory"}' }));
  const input = [...shown, ...outputsOf(asked), ...yesesOf(asked)];
  const refusal = await refusalOf(create(input));
  assert.deepEqual(
    [refusal.status, refusal.code, refusal.param],
    [409, "decision_mismatch", "input[2].approval_request_id"],
  );
  await untouched(asked);
});

Deno.test("another no than the accepted yes: the output beside it is not accepted", async () => {
  const { asked } = await ask(find, open("1"), reply);
  await create(yesesOf(asked));
  const refusal = await refusalOf(create([...outputsOf(asked), ...yesesOf(asked, false)]));
  assert.deepEqual(
    [refusal.status, refusal.code, refusal.param],
    [409, "invalid_state", "input[1].approval_request_id"],
  );
  assert.equal(callsOf(await theSdk().client.responses.retrieve(asked.id)).length, 1);
});

Deno.test("answers to two responses that wait: refused, and neither gets any", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const { own } = await others();
  const input = [...yesesOf(asked), ...outputsOf(asked), ...outputsOf(own)];
  const refusal = await refusalOf(create(input));
  assert.deepEqual(
    [refusal.status, refusal.code, refusal.param],
    [400, "invalid_value", "input[2]"],
  );
  assert.match(refusal.message, /a request of their own/);
  await untouched(asked);
  await untouched(own);
});

Deno.test("after a cancel: refused, and nothing is sent", async () => {
  const { client } = theSdk();
  const { asked } = await ask(find, open("1"), reply);
  const before = mails();
  await client.responses.cancel(asked.id);
  const refusal = await refusalOf(create([...yesesOf(asked), ...outputsOf(asked)]));
  assert.deepEqual([refusal.status, refusal.code], [409, "invalid_state"]);
  assert.equal(mails(), before);
});

Deno.test("a server that acts for the user gives both", async () => {
  const { stack, clientWith } = theSdk();
  const { asked } = await ask(find, open("1"), reply);
  const before = mails();
  const server = clientWith({
    apiKey: stack.stack.secretKey,
    defaultHeaders: { "x-owner-id": stack.user.id },
  });
  await done(create([...yesesOf(asked), ...outputsOf(asked)], {}, server), asked, before);
});

/** Nothing was accepted: everything is still asked. */
async function untouched(asked: Response): Promise<void> {
  const { output } = await theSdk().client.responses.retrieve(asked.id);
  assert.deepEqual(output.map(({ id }) => id), asked.output.map(({ id }) => id));
}

let asking: Promise<Others> | undefined;
/** Asked once for the file. */
function others(): Promise<Others> {
  return asking ??= (async () => {
    const { stack, clientWith } = theSdk();
    const { token } = await stack.stack.createUser();
    const question = { role: "user", content: `[[plan: ${[find, open("9"), reply].join("; ")}]]` };
    const theirs = await create([question], {}, clientWith({ apiKey: token }));
    return { own: (await ask(find, open("8"), reply)).asked, theirs };
  })();
}

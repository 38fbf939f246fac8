import assert from "node:assert/strict";
import type { Item } from "../../../supabase/functions/_durable_responses/model/items.ts";
import { rememberCredential } from "../../../supabase/functions/_durable_responses/platform/redact.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import {
  openToolbox,
  type Served,
} from "../../../supabase/functions/_durable_responses/tools/mcp/toolbox.ts";
import { ToolsUnavailable } from "../../../supabase/functions/_durable_responses/tools/mcp/tools-unavailable.ts";
import type {
  OwnCall,
  OwnResult,
} from "../../../supabase/functions/_durable_responses/tools/own/own-call.ts";
import { eventually } from "../../support/eventually.ts";
import { startTroubleServer, type TroubleServer } from "./support/trouble-server.ts";
import { startUnfitServer } from "./support/unfit-server.ts";
import { credential, png } from "./support/trouble-tools.ts";

const hosts = new Set(["127.0.0.1"]);
const never = new AbortController().signal;
const object = { type: "object" } as const;

function served(trouble: TroubleServer, label: string, more: Partial<Served> = {}): Served {
  return {
    server: {
      label,
      url: trouble.url,
      headers: { authorization: `Bearer ${label}` },
      timeoutMs: 2_000,
    },
    allows: () => true,
    needsApproval: () => Promise.resolve(false),
    ...more,
  };
}

async function withTrouble(run: (trouble: TroubleServer) => Promise<void>): Promise<void> {
  const trouble = await startTroubleServer();
  try {
    await run(trouble);
  } finally {
    await trouble.stop();
  }
}

/** What only the rounds need of a call. */
function callOf(tool: string, args: string): OwnCall {
  const item: Item = { type: "function_call", name: tool, arguments: args, call_id: "call_1" };
  return {
    key: { id: crypto.randomUUID(), attempt: 1 },
    ownerId: null,
    stepId: "fc_1",
    item,
    kind: "function_call",
    callId: "call_1",
    server: "trouble",
    tool,
    arguments: args,
    callKey: "",
    effect: "once",
    repeat: 0,
    idempotencyKey: "",
  };
}

async function make(trouble: TroubleServer, tool: string, args = "{}"): Promise<OwnResult> {
  trouble.pages = [[{ name: tool, inputSchema: object }]];
  const toolbox = await openToolbox([served(trouble, `for-${tool}-${args.length}`)], hosts, never);
  try {
    const [runnable] = toolbox.tools.values();
    const read = await runnable?.read(args);
    assert.ok(read && "make" in read, JSON.stringify(read));
    return await read.make(callOf(tool, args), never);
  } finally {
    await toolbox.close();
  }
}

Deno.test("two servers with the same tools: each has names of its own, and calls reach the one that is meant", async () => {
  await withTrouble(async (one) => {
    await withTrouble(async (two) => {
      const toolbox = await openToolbox([served(one, "one"), served(two, "two")], hosts, never);
      assert.deepEqual([...toolbox.tools.keys()], ["one__count", "two__count"]);
      assert.deepEqual(toolbox.functions[1], {
        type: "function",
        name: "two__count",
        description: "count",
        parameters: { type: "object", properties: {} },
        strict: false,
      });
      const tool = toolbox.tools.get("two__count");
      assert.deepEqual([tool?.server, tool?.tool], ["two", "count"]);
      const read = await tool?.read("{}");
      assert.ok(read && "make" in read);
      assert.deepEqual(await read.make(callOf("count", "{}"), never), {
        kind: "output",
        output: "call 1",
      });
      assert.deepEqual([one.calls.length, two.calls.length], [0, 1]);
      await toolbox.close();
      assert.ok(one.requests.includes("DELETE") && two.requests.includes("DELETE"));
    });
  });
});

Deno.test("what is allowed is offered, with what the server says of its effect", async () => {
  await withTrouble(async (trouble) => {
    trouble.pages = [[
      { name: "look", inputSchema: object, annotations: { readOnlyHint: true } },
      { name: "set", inputSchema: object, annotations: { idempotentHint: true } },
      { name: "send", inputSchema: object },
      { name: "drop", inputSchema: object },
    ]];
    const allows = ({ name }: { name: string }) => name !== "drop";
    const toolbox = await openToolbox([served(trouble, "t", { allows })], hosts, never);
    const effects = [...toolbox.tools.values()].map(({ tool, effect }) => [tool, effect]);
    assert.deepEqual(effects, [["look", "none"], ["set", "idempotent"], ["send", undefined]]);
    const rules = new EffectRules({ "t.set": "once" });
    for (const list of toolbox.lists) rules.learn(list);
    assert.deepEqual(
      ["look", "set", "send"].map((tool) => rules.effectOf("t", tool)),
      ["none", "once", "once"],
    );
    await toolbox.close();
  });
});

Deno.test("a list is asked for once in a few minutes, for each credential, and again after it failed", async () => {
  await withTrouble(async (trouble) => {
    const lists = () => trouble.requests.filter((each) => each === "POST tools/list").length;
    const open = async (label: string) =>
      await (await openToolbox([served(trouble, label)], hosts, never)).close();
    trouble.answer = () => new Response("busy", { status: 503 });
    await assert.rejects(open("kept"), (error: Error) => {
      assert.ok(error instanceof ToolsUnavailable);
      assert.equal(error.failure.code, "tools_unavailable");
      assert.match(error.message, /Cannot list the tools of kept: .*503: busy/);
      return true;
    });
    trouble.answer = () => new Response("no such token", { status: 401 });
    await assert.rejects(open("kept"), (error: Error) => {
      assert.ok(error instanceof ToolsUnavailable);
      assert.deepEqual([error.failure.code, error.failure.class], ["tools_refused", "permanent"]);
      assert.match(error.message, /Cannot list the tools of kept: .*401: no such token/);
      return true;
    });
    trouble.answer = undefined;
    await Promise.all([open("kept"), open("kept")]);
    await open("kept");
    assert.equal(lists(), 1);
    await open("another");
    assert.equal(lists(), 2);
  });
});

Deno.test("a run that waits for the list of another ends when it is stopped, and the other goes on", async () => {
  await withTrouble(async (trouble) => {
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    trouble.answer = (method) => method === "POST tools/list" ? released : undefined;
    const first = openToolbox([served(trouble, "shared")], hosts, never);
    await eventually("the list", () => trouble.requests.includes("POST tools/list"));
    const stop = new AbortController();
    const second = assert.rejects(
      openToolbox([served(trouble, "shared")], hosts, stop.signal),
      /Cannot list the tools of shared: the run was stopped during it/,
    );
    stop.abort();
    await second;
    release(undefined);
    await (await first).close();
    await (await openToolbox([served(trouble, "shared")], hosts, never)).close();
    assert.equal(trouble.requests.filter((each) => each === "POST tools/list").length, 1);
  });
});

Deno.test("an address that must not be connected to is told as what it is", async () => {
  await withTrouble(async (trouble) => {
    await assert.rejects(
      openToolbox([served(trouble, "private")], new Set(), never),
      (error: Error) =>
        error instanceof ToolsUnavailable && error.failure.code === "mcp_address_refused",
    );
  });
});

Deno.test("arguments that are no object go back to the model, and nothing is called", async () => {
  await withTrouble(async (trouble) => {
    const toolbox = await openToolbox([served(trouble, "args")], hosts, never);
    const [tool] = toolbox.tools.values();
    for (const args of ["[1]", "null", "{", '"text"']) {
      const read = await tool?.read(args);
      assert.ok(read && "error" in read);
      assert.match(read.error, /must be a JSON object|are not JSON/);
    }
    assert.deepEqual(trouble.calls, []);
    await toolbox.close();
  });
});

Deno.test("what became of a call: an answer, a no, or nobody knows", async () => {
  await withTrouble(async (trouble) => {
    assert.deepEqual(await make(trouble, "count", ""), { kind: "output", output: "call 1" });
    assert.deepEqual(await make(trouble, "fails"), {
      kind: "error",
      error: "the printer is on fire",
    });
    const picture = await make(trouble, "picture");
    assert.deepEqual(picture.kind === "output" && picture.parts?.[1], {
      type: "input_image",
      image_url: `data:image/png;base64,${png}`,
      detail: "auto",
    });
    const large = await make(trouble, "large", '{"bytes": 3000000}');
    // It was made: a ledger that had an error would let it be made again.
    assert.deepEqual(large, {
      kind: "output",
      output: JSON.stringify({
        done: true,
        error:
          "The call was made, but the answer has 3 MB of text, and at most 1 can be given to the model; ask for less",
      }),
    });
    trouble.answer = (method) =>
      method === "POST tools/call" ? new Response("no token", { status: 401 }) : undefined;
    assert.deepEqual(await make(trouble, "refused"), {
      kind: "error",
      error: "The call was not made: the server answered 401: no token",
    });
    trouble.answer = (method) =>
      method === "POST tools/call" ? new Response("down", { status: 502 }) : undefined;
    assert.deepEqual(await make(trouble, "gone"), {
      kind: "unknown",
      error: "the server answered 502: down",
    });
  });
});

Deno.test("a once call whose server refuses its own answer was made, and is not told as a failure", async () => {
  const says = "Output validation error: Tool send has an output schema but no structured content";
  const answers = [
    { result: { content: [{ type: "text", text: says }], isError: true } },
    { error: { code: -32_602, message: says } },
  ];
  for (const answer of answers) {
    await withTrouble(async (trouble) => {
      trouble.answer = (method) =>
        method === "POST tools/call"
          ? Response.json({ jsonrpc: "2.0", id: 3, ...answer })
          : undefined;
      const made = await make(trouble, "send", JSON.stringify(answer));
      assert.equal(made.kind, "output", JSON.stringify(made));
      const { done, error } = JSON.parse(made.kind === "output" ? made.output : "{}");
      assert.equal(done, true);
      assert.match(
        error,
        /^The call was made, but its server refused its own answer: Output valid/,
      );
    });
  }
});

Deno.test("the official server refuses its tool's answer after the call, and its arguments before", async () => {
  const unfit = await startUnfitServer();
  const server = { label: "unfit", url: unfit.url, headers: {}, timeoutMs: 5_000 };
  const needsApproval = () => Promise.resolve(false);
  const toolbox = await openToolbox([{ server, allows: () => true, needsApproval }], hosts, never);
  try {
    const ends = async (args: string) => {
      const read = await toolbox.tools.get("unfit__send")?.read(args);
      assert.ok(read && "make" in read, JSON.stringify(read));
      return await read.make(callOf("send", args), never);
    };
    assert.match(Object(await ends('{"to": 7}')).error, /Input validation error/);
    assert.deepEqual(unfit.sent, []);
    const made = await ends('{"to": "Ada"}');
    assert.match(made.kind === "output" ? made.output : "", /"done":true.*refused its own/);
    assert.deepEqual(unfit.sent, ["Ada"]);
  } finally {
    await toolbox.close();
    await unfit.stop();
  }
});

Deno.test("a server that tells its own credential does not get it into a row", async () => {
  const token = "token-of-the-mcp-test";
  rememberCredential(token);
  await withTrouble(async (trouble) => {
    trouble.answer = (method) =>
      method === "POST tools/call"
        ? new Response(`bad token ${token}`, { status: 401 })
        : undefined;
    assert.deepEqual(await make(trouble, "telling"), {
      kind: "error",
      error: "The call was not made: the server answered 401: bad token ***",
    });
  });
});

Deno.test("a credential beside a picture or a file does not get to the model either", async () => {
  rememberCredential(credential);
  await withTrouble(async (trouble) => {
    assert.deepEqual(await make(trouble, "file-and-text"), {
      kind: "output",
      output: "signed with ***\n[file ***.pdf, 1 kB]",
      parts: [
        { type: "input_text", text: "signed with ***" },
        {
          type: "input_file",
          filename: "***.pdf",
          file_data: "data:application/pdf;base64,JVBERg==",
        },
      ],
    });
  });
});

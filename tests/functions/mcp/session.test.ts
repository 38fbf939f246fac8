import assert from "node:assert/strict";
import {
  AnswerTooLarge,
  AnswerUnfit,
  CallRefused,
  CallUnanswered,
} from "../../../supabase/functions/_durable_responses/tools/mcp/server.ts";
import {
  McpSession,
  protocolVersions,
} from "../../../supabase/functions/_durable_responses/tools/mcp/session.ts";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { eventually } from "../../support/eventually.ts";
import { startTroubleServer, type TroubleServer } from "./support/trouble-server.ts";
import { names, withTrouble } from "./support/with-trouble.ts";

Deno.test("known are the versions of the protocol that the SDK knows, but for the oldest, a draft", () => {
  assert.equal(protocolVersions[0], LATEST_PROTOCOL_VERSION);
  assert.deepEqual(protocolVersions, SUPPORTED_PROTOCOL_VERSIONS.slice(0, -1));
});

Deno.test("one session for a run, with its version in each request, ended with it", async () => {
  const seen: (string | null)[] = [];
  await withTrouble(async ({ trouble, session, call }) => {
    trouble.answer = (method, { headers }) => {
      if (method === "POST tools/call") seen.push(headers.get("mcp-protocol-version"));
      return undefined;
    };
    await Promise.all([call("count"), call("count")]);
    await call("count");
    await session.close();
    assert.deepEqual(trouble.requests, [
      "POST initialize",
      "POST notifications/initialized",
      "POST tools/call",
      "POST tools/call",
      "POST tools/call",
      "DELETE",
    ]);
    assert.deepEqual(seen, Array(3).fill(LATEST_PROTOCOL_VERSION));
  });
});

Deno.test("a version that nobody here knows is refused, before anything is called", async () => {
  await withTrouble(async ({ trouble, call }) => {
    trouble.answer = (method) =>
      method !== "POST initialize" ? undefined : Response.json({
        jsonrpc: "2.0",
        id: 1,
        result: { protocolVersion: "2031-01-01", capabilities: {}, serverInfo: {} },
      });
    await assert.rejects(call("count"), /cannot connect: it speaks version 2031-01-01/);
    assert.deepEqual(trouble.calls, []);
  });
});

/** Requests of this method never get an answer. */
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
      assert.equal(names(trouble, "count"), 1);
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

Deno.test("progress is a sign of life: a call that tells of it may take longer than a silent one", async () => {
  await withTrouble(async ({ trouble, call }) => {
    await call("slow", { times: 12, everyMs: 100 });
    await assert.rejects(
      call("slow", { times: 100, everyMs: 100, silent: true }),
      (error: Error) => error instanceof CallUnanswered && /within 0.4 s/.test(error.message),
    );
    await eventually(
      "the end of the cancelled call",
      () => trouble.calls[1]?.end,
      (end) => end === "cancelled",
    );
  }, { timeoutMs: 400 });
});

Deno.test("a run that is stopped cancels its call at the server", async () => {
  await withTrouble(async ({ trouble, session, call }) => {
    const stop = new AbortController();
    const calling = call("slow", { times: 1_000, everyMs: 20 }, stop.signal);
    await eventually("the call", () => names(trouble, "slow") === 1);
    stop.abort();
    await assert.rejects(calling, CallUnanswered);
    await session.close();
    await eventually(
      "the end of the call",
      () => trouble.calls[0]?.end,
      (end) => end === "cancelled",
    );
    await assert.rejects(call("count", {}, stop.signal), CallRefused);
    assert.equal(names(trouble, "count"), 0);
  });
});

for (const when of ["before", "after"] as const) {
  Deno.test(`a connection that drops ${when} the answer has begun: one call, of which nobody knows`, async () => {
    await withTrouble(async ({ trouble, call }) => {
      await call("count");
      trouble.change = (method, response, drop) => {
        if (method !== "POST tools/call") return undefined;
        if (when === "before") drop();
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(": wait\n\n"));
            setTimeout(drop, 50);
          },
        });
        return new Response(body, response);
      };
      await assert.rejects(call("count"), CallUnanswered);
      trouble.change = undefined;
      await call("count");
      assert.equal(names(trouble, "count"), 3, "the dropped call reached the server once");
    });
  });
}

Deno.test("a stream that ends without the answer is not waited for", async () => {
  await withTrouble(async ({ trouble, call }) => {
    trouble.change = (method, response) =>
      method === "POST tools/call" ? new Response(": nothing\n\n", response) : undefined;
    await assert.rejects(call("count"), /the connection ended before the answer/);
  });
});

Deno.test("a stream that can be resumed is: the answer comes, and the call is made once", async () => {
  await withTrouble(
    async ({ trouble, call }) => {
      trouble.change = (method, _response, drop) => {
        if (method === "POST tools/call") setTimeout(drop, 100);
        return undefined;
      };
      const result = await call("slow", { times: 5, everyMs: 100 });
      assert.deepEqual(result["content"], [{ type: "text", text: "call 1" }]);
      assert.equal(names(trouble, "slow"), 1);
      assert.ok(trouble.requests.includes("GET"));
    },
    {},
    { resumable: true },
  );
});

Deno.test("the rest of a stream that its server will not give is not waited for", async () => {
  await withTrouble(
    async ({ trouble, call }) => {
      trouble.change = (method, _response, drop) => {
        if (method === "POST tools/call") setTimeout(drop, 50);
        return undefined;
      };
      trouble.answer = (method) =>
        method === "GET" ? new Response("gone", { status: 404 }) : undefined;
      await assert.rejects(
        call("slow", { times: 5, everyMs: 100 }),
        (error: Error) =>
          error instanceof CallUnanswered && /resuming it was refused/.test(error.message),
      );
    },
    {},
    { resumable: true },
  );
});

Deno.test("a 202 in the place of an answer, an answer that is none, a page of HTML: nobody knows", async () => {
  const odd: [string, () => Response][] = [
    ["accepted", () => new Response(null, { status: 202 })],
    ["no result", () => Response.json({ jsonrpc: "2.0", id: 2, result: "done" })],
    ["html", () => new Response("<p>Hello</p>", { headers: { "content-type": "text/html" } })],
    ["gateway", () => new Response("Bad gateway", { status: 502 })],
  ];
  for (const [what, answer] of odd) {
    await withTrouble(async ({ trouble, call }) => {
      trouble.answer = (method) => method === "POST tools/call" ? answer() : undefined;
      await assert.rejects(call("count"), CallUnanswered, what);
    });
  }
});

Deno.test("a 401 in mid-run is a no: the call was not made, and the next one is tried again", async () => {
  await withTrouble(async ({ trouble, call }) => {
    await call("count");
    trouble.answer = () => new Response("token expired", { status: 401 });
    await assert.rejects(call("count"), (error: Error) => {
      assert.ok(error instanceof CallRefused);
      assert.equal(error.status, 401);
      assert.match(error.message, /401: token expired/);
      return true;
    });
    trouble.answer = undefined;
    await call("count");
    assert.equal(names(trouble, "count"), 2);
  });
});

Deno.test("a session that the server forgot is begun anew, and the call is made once", async () => {
  await withTrouble(async ({ trouble, call }) => {
    await call("count");
    trouble.forget();
    await Promise.all([call("count"), call("count")]);
    assert.equal(names(trouble, "count"), 3);
    assert.equal(trouble.requests.filter((each) => each === "POST initialize").length, 2);
  });
});

Deno.test("invalid params are a no in words about what was sent, and a made call in words about the answer", async () => {
  const cases = [
    [-32_602, "Unknown tool: nothing", CallRefused],
    [-32_602, "MCP error -32602: Tool nothing not found", CallRefused],
    [-32_602, "Input validation error: Invalid arguments for tool send: to: Required", CallRefused],
    [-32_602, "Invalid request parameters", CallRefused],
    [-32_602, "Invalid params", CallUnanswered],
    [-32_602, "the provider took the message, and its receipt is odd", CallUnanswered],
    [
      -32_602,
      "Output validation error: Invalid structured content for tool send: Invalid input: expected string",
      AnswerUnfit,
    ],
    [-32_600, "Tool send has an output schema but did not return structured content", AnswerUnfit],
    [-32_601, "Method not found", CallRefused],
    [-32_603, "Internal error", CallUnanswered],
  ] as const;
  for (const [code, message, kind] of cases) {
    await withTrouble(async ({ trouble, call }) => {
      trouble.answer = (method) =>
        method !== "POST tools/call"
          ? undefined
          : Response.json({ jsonrpc: "2.0", id: 2, error: { code, message } });
      await assert.rejects(call("send"), (error: Error) => {
        assert.ok(error instanceof kind, `${message}: ${error.name}`);
        assert.ok(error.message.includes(message));
        return true;
      });
    });
  }
});

Deno.test("3 MB are read; more than 8 MB are not, and the call is known to be made", async () => {
  for (const asJson of [false, true]) {
    await withTrouble(async ({ trouble, call }) => {
      if (asJson) {
        trouble.answer = (method) =>
          method !== "POST tools/call" ? undefined : Response.json({
            jsonrpc: "2.0",
            id: trouble.requests.length - 1,
            result: { content: [], large: "x".repeat(trouble.requests.length === 3 ? 3e6 : 9e6) },
          });
      }
      const result = await call("large", { bytes: 3e6 });
      assert.ok(JSON.stringify(result).length > 3e6);
      await assert.rejects(call("large", { bytes: 9e6 }), AnswerTooLarge);
    });
  }
});

Deno.test("a redirect is followed on the server itself, and to nowhere else", async () => {
  await withTrouble(async ({ trouble, call }) => {
    trouble.answer = (method, { url }) =>
      method === "POST initialize" && !url.endsWith("?moved")
        ? new Response(null, { status: 307, headers: { location: `${trouble.url}?moved` } })
        : undefined;
    await call("count");
  });
  await withTrouble(async ({ trouble, call }) => {
    trouble.answer = () =>
      new Response(null, { status: 307, headers: { location: "http://169.254.169.254/latest" } });
    await assert.rejects(call("count"), (error: Error) => {
      assert.ok(error instanceof CallRefused);
      assert.match(error.message, /Redirect to http:\/\/169\.254\.169\.254\/latest not followed/);
      return true;
    });
  });
});

Deno.test("a server whose host no setting names is not connected to", async () => {
  const trouble = await startTroubleServer();
  const session = new McpSession(
    { label: "trouble", url: trouble.url, headers: {}, timeoutMs: 1_000 },
    new Set(),
  );
  try {
    await assert.rejects(
      session.listTools(new AbortController().signal),
      (error: Error) => error instanceof CallRefused && error.addressRefused,
    );
    assert.deepEqual(trouble.requests, []);
  } finally {
    await session.close();
    await trouble.stop();
  }
});

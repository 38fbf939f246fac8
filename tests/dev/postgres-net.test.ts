import assert from "node:assert/strict";
import { type Net, startNet } from "../../packages/dev/postgres/net.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";

interface Received {
  method: string;
  path: string;
  type: string | null;
  body: string;
}

interface Parts extends TestDatabase {
  net: Net;
  /** http://127.0.0.1:<port> of a server that records what arrives and answers 200. */
  target: string;
  received: Received[];
}

function withNet(run: (parts: Parts) => Promise<void>): Promise<void> {
  return withDatabase(async (database) => {
    await database.owner`create extension pg_net with schema extensions`;
    const received: Received[] = [];
    const ended = Promise.withResolvers<void>();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        if (pathname === "/never") await ended.promise;
        const body = await request.text();
        const type = request.headers.get("content-type");
        received.push({ method: request.method, path: pathname + search, type, body });
        return new Response("done", { status: 200 });
      },
    );
    const net = await startNet(database.cluster, { database: database.name });
    try {
      const target = `http://127.0.0.1:${server.addr.port}`;
      await run({ ...database, net, target, received });
    } finally {
      await net.stop();
      ended.resolve();
      await server.shutdown();
    }
  }, { migrations: false });
}

Deno.test("post, get and delete arrive as pg_net sends them and their answers are stored", async () => {
  await withNet(async ({ owner, net, target, received }) => {
    await owner`select net.http_post(${target} || '/a', '{"x": 1}', '{"q": "ä b"}')`;
    await owner`select net.http_get(${target} || '/b?c=1', '{"d": "2"}')`;
    await owner`select net.http_delete(${target} || '/e')`;
    await net.flush();
    assert.deepEqual(received.toSorted((one, two) => one.path < two.path ? -1 : 1), [
      { method: "POST", path: "/a?q=%C3%A4%20b", type: "application/json", body: '{"x": 1}' },
      { method: "GET", path: "/b?c=1&d=2", type: null, body: "" },
      { method: "DELETE", path: "/e", type: null, body: "" },
    ]);
    const answers =
      await owner`select id, status_code, content, timed_out from net._http_response order by id`;
    assert.deepEqual(
      [...answers.values()],
      ["1", "2", "3"].map((id) => ({ id, status_code: 200, content: "done", timed_out: false })),
    );
    await assert.rejects(
      owner`select net.http_post(${target}, headers := '{"content-type": "text/plain"}')`,
      { message: 'Content-Type header must be "application/json"' },
    );
  });
});

Deno.test("nothing is sent before the commit, and nothing after a rollback", async () => {
  await withNet(async ({ owner, net, target, received }) => {
    await owner.begin(async (sql) => {
      await sql`select net.http_get(${target} || '/kept')`;
      await net.flush();
      assert.equal(received.length, 0);
    });
    await assert.rejects(owner.begin(async (sql) => {
      await sql`select net.http_get(${target} || '/undone')`;
      throw new Error("undo");
    }));
    await net.flush();
    assert.deepEqual(received.map(({ path }) => path), ["/kept"]);
  });
});

Deno.test("a commit alone wakes the worker", async () => {
  await withNet(async ({ owner, target, received }) => {
    await owner`select net.http_get(${target} || '/woken')`;
    while ((await owner`select from net._http_response`).length === 0);
    assert.equal(received.length, 1);
  });
});

Deno.test("a request that takes too long or reaches nobody is answered with an error", async () => {
  await withNet(async ({ owner, net, target }) => {
    await owner`select net.http_get(${target} || '/never', timeout_milliseconds := 50)`;
    await owner`select net.http_get('http://127.0.0.1:9')`;
    await net.flush();
    const answers =
      await owner`select status_code, timed_out, error_msg from net._http_response order by id`;
    assert.deepEqual(answers[0], {
      status_code: null,
      timed_out: true,
      error_msg: "Timeout of 50 ms reached",
    });
    assert.equal(answers[1]?.["timed_out"], null);
    assert.ok(answers[1]?.["error_msg"]);
  });
});

Deno.test("requests can be lost and doubled on demand", async () => {
  await withNet(async ({ owner, net, target, received }) => {
    net.faults.set(({ url }) => url.endsWith("/lost") ? "drop" : "double");
    await owner`select net.http_get(${target} || '/lost'), net.http_get(${target} || '/twice')`;
    await net.flush();
    net.faults.clear();
    await owner`select net.http_get(${target} || '/once')`;
    await net.flush();
    assert.deepEqual(received.map(({ path }) => path), ["/twice", "/twice", "/once"]);
    assert.equal((await owner`select from net._http_response`).length, 2);
  });
});

Deno.test("more than 200 requests are sent in several batches", async () => {
  await withNet(async ({ owner, net, target, received }) => {
    await owner`select net.http_get(${target} || '/' || n) from generate_series(1, 450) as n`;
    await net.flush();
    assert.equal(received.length, 450);
    assert.equal((await owner`select from net._http_response`).length, 450);
  });
});

Deno.test("the worker goes on after the server has restarted", async () => {
  await withNet(async ({ owner, cluster, net, target, received }) => {
    await cluster.restart("fast");
    await owner`select net.http_get(${target} || '/after')`;
    await net.flush();
    assert.deepEqual(received.map(({ path }) => path), ["/after"]);
  });
});

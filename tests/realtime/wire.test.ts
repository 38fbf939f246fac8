/** The Realtime stand-in, used by the unchanged supabase-js through the gateway, and frame by frame. */
import assert from "node:assert/strict";
import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import { SignJWT } from "jose";
import { eventually } from "../support/eventually.ts";
import { projectForFile, type TestProject } from "../dev/support/project.ts";
import { openSocket } from "./support/socket.ts";

const theProject = projectForFile();

Deno.test.beforeAll(async () => {
  await theProject().database.owner.unsafe(`
    create policy listens on realtime.messages for select to authenticated using (
      extension = 'broadcast' and (select realtime.topic()) = 'room:' || (select auth.uid())::text);
    create policy talks on realtime.messages for insert to authenticated with check (
      (select realtime.topic()) = 'open:' || (select auth.uid())::text);
    create policy listens_too on realtime.messages for select to authenticated using (
      (select realtime.topic()) = 'open:' || (select auth.uid())::text);`);
});

interface Listener extends AsyncDisposable {
  client: SupabaseClient;
  channel: RealtimeChannel;
  states: string[];
  seen: unknown[];
}

/** A client with its own channel. Its states and messages are recorded. */
function listen(
  { url, keys }: TestProject,
  topic: string,
  options: { token?: string | (() => string); key?: string; private?: boolean },
): Listener {
  const { token } = options;
  const client = createClient(url, options.key ?? keys.publishableKey, {
    ...(token !== undefined &&
      { accessToken: () => Promise.resolve(typeof token === "string" ? token : token()) }),
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { reconnectAfterMs: () => 50, heartbeatIntervalMs: 300 },
  });
  const states: string[] = [];
  const seen: unknown[] = [];
  const channel = client.channel(topic, { config: { private: options.private ?? true } })
    .on("broadcast", { event: "*" }, ({ event, payload }) => seen.push({ event, payload }))
    .subscribe((state, error) => states.push(error ? `${state} ${error.message}` : state));
  const end = async () => {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  };
  return { client, channel, states, seen, [Symbol.asyncDispose]: end };
}

const joined = ({ states }: Listener) =>
  eventually("a join", () => states, (all) => all.includes("SUBSCRIBED"));

const send = ({ database }: TestProject, topic: string, payload: object, isPrivate = true) =>
  database.owner`select realtime.send(${
    JSON.stringify(payload)
  }::text::jsonb, 'news', ${topic}, ${isPrivate})`;

Deno.test("a message sent in the database reaches those who may join its private topic", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await joined(listener);
  await send(project, `room:${id}`, { id: "m1", text: "hello" });
  await eventually("the message", () => listener.seen.length > 0);
  assert.deepEqual(listener.seen, [{ event: "news", payload: { id: "m1", text: "hello" } }]);
});

Deno.test("a topic that the policies do not open cannot be joined", async () => {
  const project = theProject();
  const [anna, ben] = [await project.auth.createUser(), await project.auth.createUser()];
  for (const options of [{ token: ben.token }, {}]) {
    await using stranger = listen(project, `room:${anna.id}`, options);
    await eventually("the refusal", () => stranger.states.length > 0);
    assert.match(stranger.states[0] ?? "", /^CHANNEL_ERROR .*You do not have permissions to read/);
  }
});

Deno.test("a secret key may join anything", async () => {
  const project = theProject();
  await using listener = listen(project, "anything", { key: project.keys.secretKey });
  await joined(listener);
});

Deno.test("private and public topics of one name are apart", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using spy = listen(project, `room:${id}`, { private: false });
  await using listener = listen(project, `room:${id}`, { token });
  await Promise.all([joined(spy), joined(listener)]);
  await send(project, `room:${id}`, { text: "secret" });
  await eventually("the message", () => listener.seen.length > 0);
  await send(project, `room:${id}`, { id: "p", text: "for all" }, false);
  await eventually("the public message", () => spy.seen.length > 0);
  assert.deepEqual(spy.seen, [{ event: "news", payload: { id: "p", text: "for all" } }]);
});

Deno.test("messages of a transaction that is rolled back are never sent", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await joined(listener);
  await project.database.owner.begin(async (sql) => {
    await sql`select realtime.send('{"id": "lost"}', 'news', ${`room:${id}`}, true)`;
    throw new Error("roll back");
  }).catch((error: unknown) => assert.match(String(error), /roll back/));
  await send(project, `room:${id}`, { id: "kept" });
  await eventually("the message", () => listener.seen.length > 0);
  assert.deepEqual(listener.seen, [{ event: "news", payload: { id: "kept" } }]);
});

Deno.test("only who may insert can send: by the websocket and by the HTTP API", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await using talker = listen(project, `open:${id}`, { token });
  await using other = listen(project, `open:${id}`, { token });
  await Promise.all([listener, talker, other].map(joined));

  await listener.channel.send({ type: "broadcast", event: "forged", payload: {} });
  await listener.channel.httpSend("forged", {});
  await talker.channel.send({ type: "broadcast", event: "said", payload: { n: 1 } });
  await eventually("the first message", () => other.seen.length === 1);
  await talker.channel.httpSend("posted", { n: 2 });
  await eventually("both messages", () => other.seen.length === 2 && talker.seen.length === 1);
  assert.deepEqual(other.seen, [
    { event: "said", payload: { n: 1 } },
    { event: "posted", payload: { n: 2 } },
  ]);
  // Its own message does not come back if sent by websocket, but does if sent by HTTP.
  assert.deepEqual(talker.seen, [{ event: "posted", payload: { n: 2 } }]);
  assert.deepEqual(listener.seen, []);
});

Deno.test("the secret key sends a batch to private topics over HTTP", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await joined(listener);
  const post = (key: string) =>
    fetch(`${project.url}/realtime/v1/api/broadcast`, {
      method: "POST",
      headers: { apikey: key, authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        messages: [1, 2].map((n) => ({
          topic: `room:${id}`,
          event: "text",
          private: true,
          payload: { n },
        })),
      }),
    });
  assert.equal((await post(project.keys.publishableKey)).status, 202);
  assert.equal((await post(project.keys.secretKey)).status, 202);
  assert.equal((await post("sb_secret_wrong")).status, 401);
  await eventually("the messages", () => listener.seen.length >= 2);
  assert.deepEqual(listener.seen, [1, 2].map((n) => ({ event: "text", payload: { n } })));
});

Deno.test("a dropped socket is opened again and joined again", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await joined(listener);
  listener.states.length = 0;
  assert.equal(project.realtime.dropSockets(), 1);
  await joined(listener);
  await send(project, `room:${id}`, { id: "after" });
  await eventually("the message", () => listener.seen.length > 0);
});

Deno.test("while joins are refused a client is told why, and joins when they are allowed again", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  project.realtime.faults.refuseJoins = "TooManyJoins: later";
  try {
    await using listener = listen(project, `room:${id}`, { token });
    await eventually(
      "the refusal",
      () => listener.states.includes("CHANNEL_ERROR TooManyJoins: later"),
    );
    project.realtime.faults.refuseJoins = undefined;
    await joined(listener);
  } finally {
    project.realtime.faults.refuseJoins = undefined;
  }
});

Deno.test("a channel ends when its token expires, unless a new one came in time", async () => {
  const project = theProject();
  const { id } = await project.auth.createUser();
  await using socket = await openSocket(project);
  const topic = `realtime:room:${id}`;
  const short = await tokenFor(project, id, 1);
  const join = (ref: string) =>
    socket.send([ref, ref, topic, "phx_join", { config: { private: true }, access_token: short }]);

  join("1");
  assert.deepEqual(await socket.next(), [
    "1",
    "1",
    topic,
    "phx_reply",
    { status: "ok", response: { postgres_changes: [] } },
  ]);
  const [, , , system, payload] = await socket.next();
  assert.deepEqual([system, payload?.["message"]], ["system", "Token has expired"]);
  assert.equal((await socket.next())[3], "phx_close");

  const late = await tokenFor(project, id, 60);
  socket.send(["2", "2", topic, "phx_join", {
    config: { private: true },
    access_token: await tokenFor(project, id, 1),
  }]);
  assert.equal((await socket.next())[4]?.["status"], "ok");
  socket.send(["2", "3", topic, "access_token", { access_token: late }]);
  socket.send([null, "4", "phoenix", "heartbeat", {}]);
  assert.equal((await socket.next())[1], "4");
  const end = Date.now() + 1_100;
  await eventually("the end of the first token", () => Date.now() > end);
  await send(project, `room:${id}`, { id: "still here" });
  assert.equal((await socket.next())[3], "broadcast");
});

Deno.test("frames that make no sense are ignored or refused, and the socket stays open", async () => {
  await using socket = await openSocket(theProject());
  socket.sendText("nonsense");
  socket.sendText("[1,2]");
  socket.send(["1", "1", "realtime:x", "broadcast", {}]);
  assert.deepEqual((await socket.next())[4]?.["status"], "error");
  socket.send(["1", "2", "realtime:x", "phx_join", { access_token: "no token" }]);
  assert.match(JSON.stringify(await socket.next()), /InvalidJWTToken/);
  socket.send([null, "3", "phoenix", "heartbeat", {}]);
  assert.deepEqual(await socket.next(), [
    null,
    "3",
    "phoenix",
    "phx_reply",
    { status: "ok", response: {} },
  ]);
});

Deno.test("messages written while the database's connections break are delivered", async () => {
  const project = theProject();
  const { id, token } = await project.auth.createUser();
  await using listener = listen(project, `room:${id}`, { token });
  await joined(listener);
  await project.database.admin`
    select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'supabase_realtime_admin' and datname = current_database()`;
  await send(project, `room:${id}`, { id: "found" });
  await eventually("the message", () => listener.seen.length > 0);
  assert.deepEqual(listener.seen, [{ event: "news", payload: { id: "found" } }]);
});

/** A user's token that is valid for `seconds`. */
function tokenFor({ keys }: TestProject, userId: string, seconds: number): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  return new SignJWT({ sub: userId, role: "authenticated", exp })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(keys.jwtSecret);
}

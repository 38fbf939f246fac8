/** The console's server between a page and a project, as in `npm run console`, on the stack. */
import assert from "node:assert/strict";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import { type ConsoleServer, startConsole } from "../../packages/dev/console/server.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { clientOn } from "../client/support/client.ts";
import { watchList } from "../client/support/watched-list.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { startTestStack } from "../support/stack.ts";
import { launchChromium } from "./support/browser.ts";
import { needsBrowser } from "./support/console-page.ts";

const theStack = forFile<{ stack: Stack; user: SignedInUser; server: ConsoleServer }>(
  async (parts) => {
    const { stack, user } = await startTestStack(parts, {});
    const config = { url: stack.apiUrl, publishableKey: stack.publishableKey };
    const server = await startConsole({ config, forwards: true });
    parts.defer(() => server.stop());
    return { stack, user, server };
  },
);

/** The user's client, as the page has it: it knows only the console's address. */
function pageClient() {
  const { stack, user, server } = theStack();
  const apiUrl = new URL(server.url).origin;
  return clientOn({ apiUrl, publishableKey: stack.publishableKey }, user.token);
}

Deno.test("Realtime goes through: a list is live, and live again after the project cut it off", async () => {
  const { stack, user } = theStack();
  await using client = pageClient();
  await using list = watchList(client);
  await list.becomes("live");
  const { id } = await client.responses.submit({ query: "Hello" });
  await eventually("the answer", list.shown, ([first]) => first === `${id} completed`);
  assert.equal(stack.realtime.members(`response-jobs:${user.id}`), 1);
  stack.realtime.dropSockets();
  await eventually(
    "live updates again",
    list.states,
    (states) => states.slice(-2).join() === "polling,live",
  );
});

Deno.test("while the project refuses sockets the list is polled, then live", async () => {
  const { stack } = theStack();
  await using client = pageClient();
  stack.realtime.faults.down = true;
  try {
    await using list = watchList(client);
    const { id } = await client.responses.submit({ query: "Hello" });
    await eventually("the answer", list.shown, ([first]) => first === `${id} completed`);
    assert.deepEqual(list.states(), ["polling"]);
    stack.realtime.faults.down = false;
    await list.becomes("live");
  } finally {
    stack.realtime.faults.down = false;
  }
});

Deno.test("a page that goes leaves no socket at the project", async () => {
  const { stack, user } = theStack();
  const topic = `response-jobs:${user.id}`;
  {
    await using client = pageClient();
    await using list = watchList(client);
    await list.becomes("live");
    assert.equal(stack.realtime.members(topic), 1);
  }
  await eventually("the topic is left", () => stack.realtime.members(topic) === 0);
});

Deno.test("no page of another site opens a socket, and no plain request", async () => {
  const { server } = theStack();
  const url = `${server.url}realtime/v1/websocket`;
  const status = async (headers: Record<string, string>) => {
    const answer = await fetch(url, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(
    await status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "websocket" }),
    403,
  );
  assert.equal(await status({}), 426);
});

Deno.test("in a browser the console is live through its server", needsBrowser, async () => {
  const { user, server } = theStack();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    // The project, not the address of the server in front of it: it would be the same in every tab.
    const project = new URL(theStack().stack.apiUrl).host;
    await page.locator(".project-name").getByText(project, { exact: true }).waitFor();
    assert.equal(await page.title(), `${project} · Durable responses`);
    await page.getByLabel("Email").fill(user.email);
    await page.getByLabel("Password").fill(user.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.locator(".list-foot").getByText("live", { exact: true }).waitFor();
    assert.equal(await page.locator(".where-host").innerText(), project);
    assert.equal(await page.title(), `${project} · Durable responses`);
  } finally {
    await browser.close();
  }
});

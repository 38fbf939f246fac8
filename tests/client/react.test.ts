/** The hooks, rendered by React into a page, on a whole stack. */
import assert from "node:assert/strict";
import { createElement as h, type ReactNode, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import {
  DurableResponsesProvider,
  useDurableResponse,
  useSubmit,
} from "../../packages/client/src/react/index.ts";
import { eventually } from "../support/eventually.ts";
import { clientOn, type TestClient } from "./support/client.ts";
import { openPage } from "./support/dom.ts";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";

const theStack = sharedBusyStack(onClientProfiles);
const reply = "Find the latest email about the invoice and reply that it will be paid on Friday";

function JobView(
  { id, seen }: { id: string | undefined; seen?: string[] },
): ReactNode {
  const job = useDurableResponse(id);
  seen?.push(job.text);
  return h(
    "section",
    null,
    job.loading ? "loading" : `status=${job.job?.status ?? "none"}`,
    ` text=${job.text} tools=${
      job.toolCalls.map(({ tool, status }) => `${tool}:${status}`).join()
    }`,
    ` steps=${job.steps.length} error=${job.error?.message ?? ""} via=${job.connection ?? ""}`,
    h("button", { onClick: () => job.cancel() }, "Cancel"),
    h("button", { onClick: () => job.approve() }, "Approve"),
  );
}

function Ask(
  { query, profile }: { query: string; profile: string },
): ReactNode {
  const asked = useSubmit();
  return h(
    "section",
    null,
    asked.submitting ? "submitting " : "",
    `loading=${asked.loading} status=${asked.job?.status ?? "none"} error=${
      asked.error?.message ?? ""
    }`,
    ` id=${asked.id ?? "none"} text=${asked.text}`,
    h("button", { onClick: () => asked.submit({ query, profile }) }, "Ask"),
    h("button", { onClick: () => asked.cancel() }, "Cancel"),
    h("button", { onClick: () => asked.retry() }, "Retry"),
    h("button", { onClick: () => asked.reset() }, "Reset"),
  );
}

const within = ({ responses }: TestClient, node: ReactNode) =>
  h(StrictMode, null, h(DurableResponsesProvider, { client: responses }, node));

Deno.test("a component shows a job live: its text, tool calls and end", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: reply,
    profile: "mail",
  });
  const seen: string[] = [];
  await using page = await openPage(within(client, h(JobView, { id, seen })));
  await page.shows("status=completed");
  assert.match(
    page.text(),
    /tools=gmail_find_email:finished,gmail_reply_to_email:finished/,
  );
  assert.match(page.text(), /text=I found the email/);
  const partial = seen.filter((text) => text !== "" && text !== seen.at(-1));
  assert.ok(partial.length > 0, "the text did not grow");
  assert.ok(partial.every((text) => seen.at(-1)?.startsWith(text)));
  await page.shows("via=");
});

Deno.test("a component asks, follows its job, cancels it, retries it and forgets it", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  await using page = await openPage(
    within(
      client,
      h(Ask, { query: "[[plan: sleep 20s]] Wait", profile: "default" }),
    ),
  );
  await page.shows("loading=false status=none");
  page.click("Ask");
  await page.shows("status=running");
  const first = /id=(\S+)/.exec(page.text())?.[1];
  page.click("Cancel");
  await page.shows("status=cancelled");
  page.click("Retry");
  await page.shows("status=running");
  assert.notEqual(/id=(\S+)/.exec(page.text())?.[1], first);
  page.click("Cancel");
  await page.shows("status=cancelled");
  page.click("Reset");
  await page.shows("status=none error= id=none");
});

Deno.test("a refused query and a refused action are shown, and the page goes on", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  await using page = await openPage(
    within(client, h(Ask, { query: "Hi", profile: "nothing" })),
  );
  await page.shows("status=none");
  page.click("Ask");
  await page.shows("loading=false status=none error=Cannot");
  const { id } = await client.responses.submit({ query: "Say hello" }, {
    wait: 20,
  });
  page.render(within(client, h(JobView, { id })));
  await page.shows("status=completed");
  page.click("Cancel");
  await page.shows("error=Cannot cancel job");
});

Deno.test("an approval is given with a click", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: reply,
    profile: "careful",
  });
  await using page = await openPage(within(client, h(JobView, { id })));
  await page.shows("status=awaiting_approval");
  page.click("Approve");
  await page.shows("status=completed");
});

Deno.test("a component that goes, or shows another job, stops watching", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const submit = () => client.responses.submit({ query: "[[plan: sleep 20s]] Wait" });
  const [one, two] = [await submit(), await submit()];
  const members = ({ id }: { id: string }) => stack.realtime.members(`response-job:${id}`);
  {
    await using page = await openPage(
      within(client, h(JobView, { id: one.id })),
    );
    await page.shows("via=live");
    assert.equal(members(one), 1);
    page.render(within(client, h(JobView, { id: two.id })));
    await eventually("the first job's channel to end", () => members(one) === 0);
    await page.shows("via=live");
    page.render(within(client, h(JobView, { id: undefined })));
    await page.shows("status=none");
    await eventually("the second job's channel to end", () => members(two) === 0);
    page.render(within(client, h(JobView, { id: two.id })));
    await page.shows("via=live");
  }
  await eventually("the channel to end with the page", () => members(two) === 0);
  await Promise.all([one, two].map(({ id }) => client.responses.cancel(id)));
});

Deno.test("a job that is not there is an error, not an endless wait", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  await using page = await openPage(
    within(client, h(JobView, { id: crypto.randomUUID() })),
  );
  await page.shows("error=Cannot find job");
  assert.match(page.text(), /status=none/);
});

Deno.test("on a server a component renders as loading and sends nothing", async () => {
  const { stack, user } = theStack();
  let sent = 0;
  await using client = clientOn(stack, user.token, {
    fetch: (...request) => {
      sent++;
      return fetch(...request);
    },
  });
  const html = renderToString(
    within(client, h(JobView, { id: crypto.randomUUID() })),
  );
  assert.match(html, /loading/);
  assert.equal(sent, 0);
  assert.throws(
    () => renderToString(h(JobView, { id: undefined })),
    /DurableResponsesProvider/,
  );
});

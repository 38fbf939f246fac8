/** The console in a browser: what a person sees before a yes, and where a link can send a password. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleForFile, needsBrowser } from "../console/support/console-page.ts";

const theConsole = consoleForFile(60);

const written =
  '{"to":"ceo@bank.example","amount":90071992547409931,"to":"x\u202emoc.knab@oec","body":"' +
  "line\\n".repeat(30) + '","note":"a\u200bb","bcc":"thief@attacker.example"}';

/** Opens a waiting job with the planted arguments. */
async function openPlanted(status: "awaiting_approval" | "needs_review"): Promise<Page> {
  const { newest, sql, openAs } = theConsole();
  const id = await newest(status);
  await sql`
    update public.response_steps set arguments = ${written}
    where job_id = ${id} and status in ('waiting', 'uncertain')`;
  const page = await openAs("user");
  await page.evaluate((id) => location.hash = `/jobs/${id}`, id);
  await page.locator(".call").waitFor();
  return page;
}

for (const status of ["awaiting_approval", "needs_review"] as const) {
  Deno.test(
    `${status}: a call is shown as it is written, whole, with what is unseen named`,
    needsBrowser,
    async () => {
      const page = await openPlanted(status);
      const call = page.locator(".decision .call");
      const exact = written.replace("\u202e", "⟨U+202E⟩").replace("\u200b", "⟨U+200B⟩");
      assert.equal(await call.locator("pre").textContent(), exact);
      assert.equal(await call.getByRole("button", { name: /Show all/ }).count(), 0);
      // Nothing is hidden by scrolling inside of it either.
      const hidden = await call.locator("pre").evaluate((pre) =>
        pre.scrollHeight - pre.clientHeight
      );
      assert.equal(hidden, 0);
      const entries = await call.locator(".arguments > div").allInnerTexts();
      assert.equal(entries.filter((text) => /^to\s*given more than once/.test(text)).length, 2);
      assert.ok(entries.some((text) => text.includes("90071992547409931")));
      assert.ok(entries.some((text) => text.includes("thief@attacker.example")));
      await page.context().close();
    },
  );
}

Deno.test(
  "a call of the profile's own, which waits beside the question about it, is asked about once",
  needsBrowser,
  async () => {
    const { newest, sql, openAs } = theConsole();
    const id = await newest("awaiting_approval");
    await sql`
      insert into public.response_steps
        (job_id, number, attempt, item_id, kind, status, effect, tool, run_by, arguments, item, started_at)
      select job_id, number + 1, attempt, 'fc_beside', 'function_call', 'waiting', 'once', tool, 'worker', arguments,
        '{"type": "function_call", "call_id": "call_beside"}', started_at
      from public.response_steps where job_id = ${id} and status = 'waiting' and kind = 'mcp_approval_request'
      order by number desc limit 1`;
    const page = await openAs("user");
    await page.evaluate((id) => location.hash = `/jobs/${id}`, id);
    await page.getByRole("heading", { name: "Allow this call?" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 1);
    await page.context().close();
    await sql`delete from public.response_steps where job_id = ${id} and item_id = 'fc_beside'`;
  },
);

/** Collects requests to anything but the console's own server and the project. */
async function watchRequests(page: Page): Promise<string[]> {
  const sent: string[] = [];
  await page.context().route(
    (url) => url.hostname.endsWith(".example"),
    async (route) => {
      sent.push(`${route.request().url()} ${route.request().postData() ?? ""}`);
      await route.fulfill({ status: 400, json: { message: "no" } });
    },
  );
  return sent;
}

const evil = "?url=https://project.supabase.co@attacker.example&key=sb_publishable_x";

Deno.test(
  "a link that names another project asks, by name, before anything is sent",
  needsBrowser,
  async () => {
    const { open, url, stack } = theConsole();
    const page = await open();
    const sent = await watchRequests(page);
    await page.goto(`${url}${evil}`);
    await page.getByRole("heading", { name: "Open another project?" }).waitFor();
    await page.getByText("attacker.example", { exact: true }).first().waitFor();
    assert.equal(await page.getByLabel("Password").count(), 0);
    await page.getByRole("button", { name: `Stay with ${new URL(stack.apiUrl).host}` }).click();
    await page.getByRole("button", { name: "Sign in as dev@example.com" }).click();
    await page.getByRole("table", { name: "Jobs" }).waitFor();
    assert.equal(sent.length, 0);
    await page.context().close();
  },
);

Deno.test(
  "whoever says yes to another project is offered none of this one's keys",
  needsBrowser,
  async () => {
    const { open, url } = theConsole();
    const page = await open();
    const sent = await watchRequests(page);
    await page.goto(`${url}?url=https://attacker.example&key=sb_publishable_x`);
    await page.getByRole("button", { name: "Open attacker.example" }).click();
    await page.getByLabel("Email").fill("me@example.com");
    assert.equal(await page.locator(".one-click").count(), 0);
    assert.equal(sent.length, 0);
    await page.getByLabel("Password").fill("typed here");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    assert.ok(sent.length > 0 && sent.every((each) => each.includes("attacker.example")));
    await page.context().close();
  },
);

Deno.test(
  "a configured console opens its project and has no field for another",
  needsBrowser,
  async () => {
    const page = await theConsole().open();
    await page.getByText(new URL(theConsole().stack.apiUrl).host).waitFor();
    assert.equal(await page.getByLabel("Project URL").count(), 0);
    await page.context().close();
  },
);

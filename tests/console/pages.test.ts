/** The console in a browser, on the whole stack: signing in, asking, deciding, and what it says if something fails. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleForFile, needsBrowser } from "./support/console-page.ts";

const theConsole = consoleForFile(120);

const status = (page: Page) => page.locator(".job-line .status");
const goTo = (page: Page, path: string) => page.goto(`${theConsole().url}#${path}`);

Deno.test(
  "a wrong password is told with its code and can be tried again",
  needsBrowser,
  async () => {
    const page = await theConsole().open();
    await page.getByLabel("Email").fill("dev@example.com");
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").getByText("invalid_credentials").waitFor();
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await page.getByRole("alert").getByText("invalid_credentials").waitFor();
    await page.context().close();
  },
);

Deno.test("a wrong secret key is refused with its code", needsBrowser, async () => {
  const page = await theConsole().open();
  await page.getByRole("radio", { name: "The secret key, all jobs" }).check();
  await page.getByRole("textbox", { name: "Secret key" }).fill("sb_secret_wrong");
  await page.locator("form").getByRole("button", { name: "Open with the secret key" }).click();
  await page.getByRole("alert").getByText("key_refused").waitFor();
  await page.context().close();
});

Deno.test(
  "a user's session outlives a reload, a secret key does not",
  needsBrowser,
  async () => {
    const user = await theConsole().openAs("user");
    await user.reload();
    await user.getByText("120 jobs of yours").waitFor();
    const withKey = await theConsole().openAs("secret key");
    const kept = await withKey.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }])
    );
    assert.ok(!kept.includes(theConsole().stack.secretKey), "the key must not be stored");
    await withKey.reload();
    await withKey.getByRole("heading", { name: "Open a project" }).waitFor();
    await Promise.all([user, withKey].map((page) => page.context().close()));
  },
);

Deno.test(
  "Health says that jobs failed, although nothing waits for a person",
  needsBrowser,
  async () => {
    const { openAs, sql } = theConsole();
    const page = await openAs("user");
    await page.evaluate(() => location.hash = "/health");
    const [row] = await sql<{ failed: number; jobs: number }[]>`
    select count(*)::int as jobs, (count(*) filter (where status = 'failed'))::int as failed
    from public.response_jobs where created_at > now() - interval '7 days'`;
    assert.ok(row && row.failed > 0);
    await page.getByRole("button", { name: "7 days" }).click();
    await page.locator(".headline").getByText(
      `${row.failed} of ${row.jobs} jobs in the last 7 days failed`,
    )
      .waitFor();
    await page.context().close();
  },
);

Deno.test(
  "an operator by claim sees everybody's jobs and how the project fares, a user does not",
  needsBrowser,
  async () => {
    const { newest, sql } = theConsole();
    await sql`
      insert into public.response_workers (id, kind, started_at, seen_at)
      values ('worker-on-view', 'edge', now(), now()), ('worker-beside', 'inline', now(), now())`;
    const operator = await theConsole().openAs("operator");
    await operator.locator(".list-foot").getByText(/^\d+ of \d+ jobs$/).waitFor();
    await operator.keyboard.press("h");
    const table = (name: string) => operator.getByRole("table").filter({ hasText: name });
    await table("durable-responses-wake").waitFor();
    await table("worker-on-view").filter({ hasText: "in place" }).waitFor();
    await operator.locator(".breaker").first().waitFor();
    await operator.getByText("Oldest job that is due").waitFor();
    assert.equal(await operator.getByRole("alert").count(), 0);
    await goTo(operator, `/jobs/${await newest("running")}`);
    await operator.locator(".job-line").getByText("live", { exact: true }).waitFor();

    const user = await theConsole().openAs("user");
    await user.keyboard.press("h");
    await user.locator(".chart svg").first().waitFor();
    assert.equal(await user.getByText("durable-responses-wake").count(), 0);
    await Promise.all([user, operator].map((page) => page.context().close()));
  },
);

Deno.test("a query is asked, watched and answered", needsBrowser, async () => {
  const { sql, userPage } = theConsole();
  // Because of the generated jobs, this route skips background.
  await sql`update public.response_routes set breaker = 'closed', probe_at = null where profile = 'mail'`;
  const page = await userPage();
  await page.keyboard.press("n");
  // A person without a mouse gets out of the field again.
  await page.getByLabel("Query").press("Escape");
  await page.keyboard.press("h");
  await page.locator(".chart svg").first().waitFor();
  await page.keyboard.press("n");
  await page.getByRole("button", { name: "mail", exact: true }).click();
  await page.getByLabel("Query").fill("Find the invoice and reply that it will be paid on Friday");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("heading", { name: "Find the invoice and reply" }).waitFor();
  await page.locator(".job-line").getByText("live", { exact: true }).waitFor();
  await page.getByRole("region", { name: "Answer", exact: true }).waitFor();
  assert.equal(await status(page).textContent(), "Completed");
  // Background failed as it does in the field, then a synchronous run called the tools.
  const picture = page.locator(".picture");
  assert.match(await picture.locator(".line-attempt").first().innerText(), /background[^]*failed/);
  await picture.getByRole("button", { name: /gmail_reply_to_email/ }).click();
  await page.locator(".step.is-chosen").getByText("Arguments").waitFor();
});

Deno.test("an unknown profile is told with its code", needsBrowser, async () => {
  const page = await theConsole().userPage();
  await goTo(page, "/new");
  await page.getByLabel("Another profile").fill("nothing-like-this");
  await page.getByLabel("Query").fill("Anything");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("alert").getByText("unknown_profile").waitFor();
});

async function askForApproval(page: Page): Promise<void> {
  await goTo(page, "/new");
  await page.getByLabel("Another profile").fill("asks");
  await page.getByLabel("Query").fill("Reply to the invoice mail: it will be paid");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("region", { name: "Approval" }).getByText("mailbox.gmail_reply_to_email")
    .waitFor();
}

Deno.test("a call that needs a yes waits for it, and is made after it", needsBrowser, async () => {
  const { mailbox } = theConsole().stack;
  const page = await theConsole().userPage();
  await askForApproval(page);
  const before = mailbox.sent.length;
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("region", { name: "Answer", exact: true }).waitFor();
  assert.equal(mailbox.sent.length, before + 1);
  assert.match(await page.locator(".picture").innerText(), /Waiting for an answer/);
});

Deno.test("a call is rejected with a reason, and not made", needsBrowser, async () => {
  const { stack: { mailbox }, sql } = theConsole();
  const page = await theConsole().userPage();
  await askForApproval(page);
  const before = mailbox.sent.length;
  await page.getByRole("button", { name: "Reject…" }).click();
  await page.getByLabel("Reason, optional").fill("Not before I have seen the invoice");
  await page.getByRole("button", { name: "Reject the call" }).click();
  await page.getByRole("region", { name: "Approval" }).waitFor({ state: "detached" });
  const id = page.url().split("/").at(-1) ?? "";
  const [step] = await sql`
    select answer ->> 'approve' as approve, answer ->> 'reason' as reason
    from public.response_steps where job_id = ${id} and kind = 'mcp_approval_request' order by number limit 1`;
  assert.deepEqual({ ...step }, { approve: "false", reason: "Not before I have seen the invoice" });
  assert.equal(mailbox.sent.length, before);
});

Deno.test("an uncertain call is settled by what a person says", needsBrowser, async () => {
  const { newest, sql } = theConsole();
  const id = await newest("needs_review");
  const page = await theConsole().openAs("secret key");
  await goTo(page, `/jobs/${id}`);
  await page.getByLabel("It happened").check();
  await page.getByLabel("The tool's answer, if you know it").fill("sent");
  await page.getByRole("button", { name: "Confirm and continue" }).click();
  await page.getByRole("region", { name: "Review" }).waitFor({ state: "detached" });
  const [step] = await sql`
    select status, output, answered_by from public.response_steps
    where job_id = ${id} and answered_at is not null`;
  assert.deepEqual({ ...step }, { status: "finished", output: "sent", answered_by: "service" });
  await page.context().close();
});

Deno.test(
  "cancelling asks first; a cancelled job is retried as a new one",
  needsBrowser,
  async () => {
    const id = await theConsole().newest("queued");
    const page = await theConsole().userPage();
    await goTo(page, `/jobs/${id}`);
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Keep it" }).click();
    assert.equal(await status(page).textContent(), "Queued");
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel the job" }).click();
    await status(page).getByText("Cancelled").waitFor();
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByText("Retries an earlier job").waitFor();
    assert.ok(!page.url().endsWith(id), "the retry is a job of its own");
  },
);

Deno.test(
  "when the network is away it says so, keeps what it shows, and goes on after",
  needsBrowser,
  async () => {
    const page = await theConsole().openAs("user");
    await page.context().setOffline(true);
    const alert = page.getByRole("alert").filter({ hasText: "unreachable" });
    await alert.getByText("What is shown here may be out of date").waitFor();
    assert.ok(await page.getByRole("row").count() > 10, "the list must stay");
    await page.context().setOffline(false);
    await alert.getByRole("button", { name: "Try again" }).click();
    await alert.waitFor({ state: "detached" });
    await page.context().close();
  },
);

Deno.test("a job that is not there is told with its code", needsBrowser, async () => {
  const page = await theConsole().userPage();
  await goTo(page, "/jobs/00000000-0000-4000-8000-000000000000");
  await page.getByRole("alert").getByText("job_not_found").waitFor();
});

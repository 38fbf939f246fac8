/** The console in a browser, on a stack with generated jobs, one for all tests of a file. */
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Sql } from "postgres";
import type { SignedInUser } from "../../../packages/dev/auth/auth.ts";
import { profiles as ofProject } from "../../../supabase/functions/_shared/profiles.ts";
import { startConsoleFor } from "../../../packages/dev/console/for-stack.ts";
import type { Stack } from "../../../packages/dev/stack.ts";
import { forFile } from "../../support/for-file.ts";
import { createOperator } from "../../support/operator.ts";
import { startTestStack } from "../../support/stack.ts";
import { seedJobs } from "../seed.ts";
import { findChromium, launchChromium } from "./browser.ts";

export type Who = "user" | "operator" | "secret key";

export interface TestConsole {
  url: string;
  stack: Stack;
  /** As superuser. */
  sql: Sql;
  user: SignedInUser;
  /** An operator by the claim in app_metadata. */
  operator: Pick<SignedInUser, "email" | "password">;
  browser: Browser;
  /** A page in its own browser profile, closed after the file. Errors in it fail the test that closes it. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** The same, signed in with one click, or as an operator by claim, who owns no job. */
  openAs(who: Who, options?: BrowserContextOptions): Promise<Page>;
  /** One page of the signed-in user, shared by all tests that leave nothing behind in it. */
  userPage(): Promise<Page>;
  /** The id of the newest job with this status. */
  newest(status: string): Promise<string>;
}

/** Without a browser, tests that need one are skipped. */
export const needsBrowser = { ignore: findChromium() === undefined };

/** @param count how many jobs are generated; all belong to the user */
export function consoleForFile(count: number): () => TestConsole {
  if (needsBrowser.ignore) {
    return () => {
      throw new Error("Cannot open the console: this machine has no browser");
    };
  }
  const profileNames = Object.keys(ofProject);
  return forFile(async (parts) => {
    const profiles = fileURLToPath(new URL("../profiles.ts", import.meta.url));
    const { stack, sql } = await startTestStack(parts, { profiles });
    const user = await stack.createUser("dev@example.com");
    const operator = await createOperator({ stack, sql });
    await seedJobs(sql, { count, ownerId: user.id });
    const server = await startConsoleFor(stack, user, { profiles: profileNames });
    parts.defer(() => server.stop());
    const browser = await launchChromium();
    parts.defer(() => browser.close());
    return {
      stack,
      sql,
      user,
      operator,
      browser,
      url: server.url,
      ...pages({ browser, url: server.url, sql, operator }),
    };
  });
}

function pages(
  { browser, url, sql, operator }: Pick<
    TestConsole,
    "browser" | "url" | "sql" | "operator"
  >,
) {
  const open = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: "en-GB",
      ...options,
    });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  const openAs = async (who: Who, options?: BrowserContextOptions) => {
    const page = await open(options);
    if (who === "operator") {
      await page.getByLabel("Email").fill(operator.email);
      await page.getByLabel("Password").fill(operator.password);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
    } else {
      const name = who === "user" ? "Sign in as dev@example.com" : "Open with the secret key";
      await page.locator(".one-click").getByRole("button", { name }).click();
    }
    await page.getByRole("table", { name: "Jobs" }).waitFor();
    return page;
  };
  let shared: Promise<Page> | undefined;
  return {
    open,
    openAs,
    userPage: () => shared ??= openAs("user"),
    async newest(status: string) {
      const [row] = await sql<{ id: string }[]>`
        select id from public.response_jobs where status = ${status}
        order by id desc limit 1`;
      if (row === undefined) throw new Error(`Cannot find a job that is ${status}`);
      return row.id;
    },
  };
}

/** Accessibility: axe finds nothing serious on any page in either theme, nothing jumps, and narrow screens work. */
import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { z } from "zod";
import { isLong } from "../support/long.ts";
import { consoleForFile, needsBrowser } from "./support/console-page.ts";

const theConsole = consoleForFile(300);

const violationsSchema = z.array(z.object({
  id: z.string(),
  impact: z.string().nullish(),
  nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
}));

/** Themes differ in colors only, so in the second one axe looks at these alone, unless there is time for all. */
const colorRules = ["color-contrast", "link-in-text-block"];

/** What axe finds on the page as it is now, one line a finding; with `rules`, by these alone. */
async function findings(page: Page, rules: string[] | undefined): Promise<string[]> {
  // Not as a script element, which the page's own policy forbids. It stays: a page is left by its hash only.
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(axe.source);
  const options = rules === undefined ? {} : { runOnly: { type: "rule", values: rules } };
  const result: unknown = await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`,
  );
  return violationsSchema.parse(result).flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html, failureSummary }) =>
      `${impact} ${id}: ${html.slice(0, 160)} ${failureSummary ?? ""}`
    )
  );
}

async function places(): Promise<[path: string, ready: string][]> {
  const { newest } = theConsole();
  const jobs = ["completed", "failed", "awaiting_approval", "needs_review", "running"];
  const ids = await Promise.all(jobs.map(newest));
  return [
    ["/", ".row"],
    ...ids.map((id): [string, string] => [`/jobs/${id}`, ".picture"]),
    ["/health", ".chart svg"],
    ["/new", "textarea"],
  ];
}

for (const colorScheme of ["light", "dark"] as const) {
  Deno.test(`axe finds nothing on any page, ${colorScheme}`, needsBrowser, async () => {
    const { open, openAs, url } = theConsole();
    const rules = colorScheme === "light" || isLong ? undefined : colorRules;
    const first = await open({ colorScheme });
    await first.getByRole("heading", { name: "Open a project" }).waitFor();
    assert.deepEqual(await findings(first, rules), [], "sign in");
    await first.context().close();
    const page = await openAs("secret key", { colorScheme });
    for (const [path, ready] of await places()) {
      await page.evaluate((path) => location.hash = path, path);
      await page.locator(ready).first().waitFor();
      assert.deepEqual(await findings(page, rules), [], `${url}#${path}`);
    }
    await page.keyboard.press("Escape");
    await page.locator("textarea").blur();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await findings(page, rules), [], "help");
    await page.context().close();
  });
}

Deno.test(
  "the theme is the system's until one is chosen, and stays chosen",
  needsBrowser,
  async () => {
    const page = await theConsole().openAs("user", { colorScheme: "light" });
    const paper = () =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.getByRole("button", { name: "Switch to dark" }).click();
    const dark = await paper();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await paper(), dark);
    await page.context().close();
  },
);

Deno.test("nothing jumps while pages load", needsBrowser, async () => {
  const page = await theConsole().openAs("secret key");
  await page.evaluate(() => {
    const shifts: number[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (
          "value" in entry && typeof entry.value === "number" && "hadRecentInput" in entry &&
          !entry.hadRecentInput
        ) {
          shifts.push(entry.value);
        }
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  // By hand, because a movement right after a click or key does not count as a shift.
  const walk: [() => Promise<void>, ready: string][] = [
    [() => page.keyboard.press("h"), ".breaker"],
    [() => page.keyboard.press("l"), ".row"],
    [() => page.locator(".row .cell-query a").nth(9).click(), ".picture"],
  ];
  for (const [go, ready] of walk) {
    await go();
    await page.locator(ready).first().waitFor();
    await page.waitForLoadState("networkidle");
  }
  const shifts = z.array(z.number()).parse(await page.evaluate("shifts"));
  const total = shifts.reduce((sum, shift) => sum + shift, 0);
  console.log(`layout shift over three pages: ${total.toFixed(4)}`);
  // 0.1 counts as good for one page.
  assert.ok(total < 0.1, `the pages shifted by ${total}`);
  await page.context().close();
});

/** How much wider or longer the page is than what it shows, in px. */
function excess(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const root = document.documentElement;
    const content = document.getElementById("content");
    if (content === null) throw new Error("Cannot measure: the page has no content");
    const top = content.getBoundingClientRect().top - content.scrollTop + content.clientTop;
    const ends = [...content.children].map((child) => child.getBoundingClientRect().bottom - top);
    return {
      "page width": root.scrollWidth - innerWidth,
      "page height": root.scrollHeight - innerHeight,
      "content width": content.scrollWidth - content.clientWidth,
      "content height": content.scrollHeight - Math.max(content.clientHeight, ...ends),
    };
  });
}

for (const width of [1280, 768, 390]) {
  Deno.test(
    `at ${width} px no page is wider or longer than what it shows`,
    needsBrowser,
    async () => {
      const page = await theConsole().openAs("operator", { viewport: { width, height: 844 } });
      for (const [path, ready] of await places()) {
        await page.evaluate((path) => location.hash = path, path);
        await page.locator(ready).first().waitFor();
        for (const [what, px] of Object.entries(await excess(page))) {
          assert.ok(px <= 1, `${path}: the ${what} is ${px} px too much`);
        }
      }
      await page.context().close();
    },
  );
}

Deno.test(
  "on a narrow screen nothing is wider than the screen, and a job can be approved",
  needsBrowser,
  async () => {
    const page = await theConsole().openAs("user", { viewport: { width: 360, height: 740 } });
    for (const [path, ready] of await places()) {
      await page.evaluate((path) => location.hash = path, path);
      await page.locator(ready).first().waitFor();
      const width = await page.evaluate(() => document.getElementById("content")?.scrollWidth);
      assert.ok(Number(width) <= 360, `${path} is ${width} px wide`);
    }
    await page.evaluate(
      (path) => location.hash = path,
      `/jobs/${await theConsole().newest("awaiting_approval")}`,
    );
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("region", { name: "Approval" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "All jobs" }).click();
    await page.locator(".row").first().waitFor();
    await page.context().close();
  },
);

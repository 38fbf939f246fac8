/** No page is wider or longer than what it shows, on a phone, a tablet and a desktop. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleForFile, needsBrowser } from "./support/console-page.ts";

const theConsole = consoleForFile(300);

const sizes = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1440, height: 900 },
];

/**
 * How far the window, or anything in it that scrolls like a page, can be scrolled beyond what it shows: sideways at all, and
 * down past the end of the last visible thing.
 */
function excess(page: Page) {
  return page.evaluate(() => {
    const content = document.getElementById("content") ?? document.body;
    const isShown = (element: Element) => {
      const { width, height } = element.getBoundingClientRect();
      return width > 1 && height > 1;
    };
    const bottoms = [...content.querySelectorAll("*")].filter(isShown)
      .map((element) => element.getBoundingClientRect().bottom + content.scrollTop);
    const end = Math.max(...bottoms) - content.getBoundingClientRect().top;
    const root = document.documentElement;
    return {
      window: [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight],
      side: content.scrollWidth - content.clientWidth,
      // Less than the padding below the last thing is intended.
      below: Math.max(
        0,
        Math.round(content.scrollHeight - Math.max(end, content.clientHeight) - 80),
      ),
    };
  });
}

for (const viewport of sizes) {
  Deno.test(
    `at ${viewport.width} px every page ends where its content does`,
    needsBrowser,
    async () => {
      const { openAs, newest } = theConsole();
      const page = await openAs("secret key", { viewport });
      const jobs = ["completed", "failed", "awaiting_approval", "needs_review"];
      const ids = await Promise.all(jobs.map(newest));
      const places: [path: string, ready: string][] = [
        ["/", ".row"],
        ["/health", ".chart svg"],
        ["/new", "textarea"],
        ...ids.map((id): [string, string] => [`/jobs/${id}`, ".picture"]),
      ];
      for (const [path, ready] of places) {
        await page.evaluate((path) => location.hash = path, path);
        await page.locator(ready).first().waitFor();
        const found = await excess(page);
        assert.deepEqual(found, { window: [0, 0], side: 0, below: 0 }, path);
      }
      await page.context().close();
    },
  );
}

for (const width of [390, 900]) {
  Deno.test(`at ${width} px the timeline's names are whole`, needsBrowser, async () => {
    const { openAs, newest } = theConsole();
    const page = await openAs("secret key", { viewport: { width, height: 900 } });
    const id = await newest("awaiting_approval");
    await page.evaluate((path) => location.hash = path, `/jobs/${id}`);
    const name = page.locator(".line-step .line-name").filter({ hasText: "asks for approval: " });
    await name.first().waitFor();
    const cut = await page.locator(".line-name").evaluateAll((names) =>
      names.filter((one) =>
        one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight ||
        getComputedStyle(one).textOverflow !== "clip"
      ).map(({ textContent }) => textContent)
    );
    assert.deepEqual(cut, []);
    await page.context().close();
  });
}

Deno.test("at 900 px a job's query has most of its row", needsBrowser, async () => {
  const page = await theConsole().openAs("secret key", { viewport: { width: 900, height: 900 } });
  const [row, query] = await Promise.all(
    [".row", ".cell-query"].map((each) => page.locator(each).first().boundingBox()),
  );
  assert.ok(row && query);
  assert.ok(query.width > row.width / 2, `${query.width} of ${row.width} px`);
  await page.context().close();
});

Deno.test(
  "at 900 px no label of a chart is cut, even where the time is a whole day",
  needsBrowser,
  async () => {
    const page = await theConsole().openAs("secret key", { viewport: { width: 900, height: 900 } });
    // Just after midnight, the last tick of every range is at the right edge.
    const midnight = await page.evaluate(() => new Date().setHours(0, 0, 30, 0));
    await page.clock.setFixedTime(midnight);
    await page.evaluate(() => location.hash = "/health");
    for (const name of ["1 hour", "24 hours", "7 days"]) {
      await page.getByRole("button", { name }).click();
      await page.locator(".chart svg .axis-tick").first().waitFor();
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll(".chart svg")].flatMap((svg) => {
          const { left, right } = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].flatMap((text) => {
            const box = text.getBoundingClientRect();
            return box.left < left || box.right > right ? [text.textContent ?? ""] : [];
          });
        })
      );
      assert.deepEqual(cut, [], name);
    }
    await page.context().close();
  },
);

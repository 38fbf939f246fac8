/** docs/README.md is the index of docs/, and links between pages work. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const docs = join(projectRoot, "docs");
const pages = [...Deno.readDirSync(docs)].map(({ name }) => name).filter((name) =>
  name.endsWith(".md")
);
const read = (path: string) => Deno.readTextFile(path);

/** Links of a page: the target, and the heading in it. */
function linksOf(text: string): { path: string; anchor: string | undefined }[] {
  return [...text.matchAll(/\]\(((?!https?:|mailto:)[^)\s#]*)(?:#([^)\s]+))?\)/g)].map((
    [, path = "", anchor],
  ) => ({ path, anchor }));
}

/** A heading's anchor, as GitHub makes it. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/^```[^]*?^```/gm, "").matchAll(/^#+ (.*)$/gm);
  const slugs = [...headings].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
  );
  const given = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id);
  return new Set([...slugs, ...given]);
}

Deno.test("docs/README.md links to every page of docs/", async () => {
  const linked = linksOf(await read(join(docs, "README.md"))).map(({ path }) => path);
  assert.deepEqual(linked.toSorted(), pages.filter((name) => name !== "README.md").toSorted());
});

Deno.test("every link between pages leads to a file, and to a heading that it has", async () => {
  const texts = [...pages.map((name) => join("docs", name)), "README.md", "CONTRIBUTING.md"];
  const broken: string[] = [];
  for (const from of texts) {
    for (const { path, anchor } of linksOf(await read(join(projectRoot, from)))) {
      const target = path === "" ? join(projectRoot, from) : join(projectRoot, from, "..", path);
      const exists = await Deno.stat(target).then(() => true, () => false);
      const found = exists &&
        (anchor === undefined || anchorsOf(await read(target)).has(anchor));
      if (!found) broken.push(`${from}: ${path}${anchor ? `#${anchor}` : ""}`);
    }
  }
  assert.deepEqual(broken, []);
});

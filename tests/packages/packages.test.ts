/** Each package as npm would publish it: its files, and whether tools and resolvers find all that its manifest promises. */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import assert from "node:assert/strict";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { publishedPackages } from "../../scripts/packages.ts";
import { forFile } from "../support/for-file.ts";
import { installOffline, packInto, type Tarball } from "./support/packed.ts";

const thePackages = forFile(async (parts) => {
  const folder = await Deno.makeTempDir({ prefix: "packages-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const tarballs = await packInto(folder);
  await installOffline(folder, tarballs, []);
  return { folder, tarballs };
});

const named = (name: string): Tarball => {
  const found = thePackages().tarballs.find((tarball) => tarball.name === name);
  if (!found) throw new Error(`Cannot find ${name} among the packages`);
  return found;
};

Deno.test("publint finds nothing wrong with any package", async () => {
  for (const { name, file } of thePackages().tarballs) {
    const { buffer: tarball } = await Deno.readFile(file);
    const { messages, pkg = {} } = await publint({ pack: { tarball }, strict: true });
    const found = messages.map((message) => formatMessage(message, pkg) ?? message.code);
    assert.deepEqual(found, [], name);
  }
});

Deno.test("the types of each entry are found by bundlers and by Node, and say what the code is", async () => {
  // The CLI exports nothing.
  for (const name of ["durable-responses-client", "durable-responses-console"]) {
    const data = createPackageFromTarballData(await Deno.readFile(named(name).file));
    const result = await checkPackage(data, { excludeEntrypoints: [/^\.\/dist/] });
    assert.ok(result.types !== false, `${name} has no types`);
    // Both are ESM only: `require`, and resolvers that do not know `exports`, are not supported.
    const promised = result.problems.filter((problem) =>
      !("resolutionKind" in problem) ||
      (problem.resolutionKind !== "node10" && problem.resolutionKind !== "node16-cjs")
    );
    assert.deepEqual(promised, [], name);
  }
});

Deno.test("each package brings its license and its README, and nothing of the sources or tests", () => {
  for (const { name, files } of thePackages().tarballs) {
    for (const wanted of ["LICENSE", "README.md", "package.json"]) {
      assert.ok(files.includes(wanted), `${name} has no ${wanted}`);
    }
    const stray = files.filter((path) =>
      !/^(?:dist\/|index\.(?:js|d\.ts)$|LICENSE$|README\.md$|package\.json$)/.test(path) ||
      /\.test\.|node_modules/.test(path)
    );
    assert.deepEqual(stray, [], name);
  }
});

Deno.test("the CLI brings the documentation, with all that its pages link to or show", async () => {
  const { files } = named("durable-responses");
  const { folder } = thePackages();
  const docs = "dist/docs/";
  const missing: string[] = [];
  for (const page of files.filter((file) => file.startsWith(docs) && file.endsWith(".md"))) {
    const text = await Deno.readTextFile(`${folder}/node_modules/durable-responses/${page}`);
    const links = [...text.matchAll(/\]\(((?!https?:|mailto:|#)[^)\s#]+)/g)].map(([, to = ""]) =>
      to
    );
    if (page === `${docs}README.md`) {
      assert.ok(links.includes("quickstart.md") && links.includes("errors.md"));
    }
    missing.push(
      ...links.filter((to) => !files.includes(docs + to)).map((to) => `${page}: ${to}`),
    );
  }
  assert.deepEqual(missing, []);
});

Deno.test("all packages have one version, and each license is the repository's", async () => {
  const packages = await publishedPackages();
  assert.equal(new Set(packages.map(({ version }) => version)).size, 1);
  const license = await Deno.readTextFile(`${projectRoot}/LICENSE`);
  for (const { folder } of packages) {
    assert.equal(await Deno.readTextFile(`${projectRoot}/${folder}/LICENSE`), license, folder);
  }
});

Deno.test("the console's package says where its files are, and they are a page", async () => {
  const { folder } = thePackages();
  const { stdout, success } = await new Deno.Command("node", {
    args: [
      "--input-type=module",
      "--eval",
      `import { files } from "durable-responses-console";
       import { readFileSync } from "node:fs";
       console.log(readFileSync(files + "index.html", "utf8"));`,
    ],
    cwd: folder,
  }).output();
  assert.ok(success);
  assert.match(new TextDecoder().decode(stdout), /<title>/);
});

Deno.test("the CLI's package starts by itself, with nothing installed beside it", async () => {
  const { folder } = thePackages();
  const main = `${folder}/node_modules/durable-responses/dist/main.js`;
  const { stdout } = await new Deno.Command("node", { args: [main, "--version"], cwd: folder })
    .output();
  assert.equal(new TextDecoder().decode(stdout).trim(), named("durable-responses").version);
});

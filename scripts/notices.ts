/** The license notices of a bundle: every package that contributed a file to it, with the full text of its license. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const aboutSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
  author: z.union([z.string(), z.looseObject({ name: z.string() })]).optional(),
});

/** The name of the file next to the bundle. */
export const noticesFile = "THIRD-PARTY-NOTICES.txt";

/**
 * @param files of the bundle, with their paths; those outside of any `node_modules` are ours
 * @throws if a package does not state its license
 */
export async function noticesOf(files: Iterable<string>): Promise<string> {
  const folders = new Set([...files].flatMap((file) => packageFolder(file) ?? []));
  const notices = await Promise.all([...folders].map(noticeOf));
  const texts = [...new Set(notices)].sort((a, b) => a.localeCompare(b, "en"));
  return `This package contains the following packages.\n\n${texts.join("\n")}`;
}

/** The innermost package that a file belongs to. */
export function packageFolder(file: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/@.][^/]*)\//.exec(file.replaceAll("\\", "/"))?.[1];
}

async function noticeOf(folder: string): Promise<string> {
  const about = aboutSchema.parse(
    JSON.parse(await readFile(join(folder, "package.json"), "utf8")),
  );
  const names = await readdir(folder);
  const texts = await Promise.all(
    names.filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort()
      .map(async (name) => (await readFile(join(folder, name), "utf8")).trim()),
  );
  const { name, version, license, author } = about;
  const by = typeof author === "string" ? author : author?.name;
  if (texts.length === 0) texts.push(textWithoutFile(name, license, by));
  const rule = "=".repeat(80);
  const head = [`${name} ${version}`, license ?? "", ...(by === undefined ? [] : [`by ${by}`])];
  return [rule, head.filter((part) => part !== "").join(", "), rule, ...texts, ""].join("\n");
}

/** Some packages only name their license. */
function textWithoutFile(name: string, license: string | undefined, by: string | undefined) {
  if (license === "MIT") return `Copyright (c) ${by ?? `the authors of ${name}`}\n\n${mit}`;
  if (license === "Unlicense") return "Released into the public domain: https://unlicense.org";
  throw new Error(
    `Cannot give the license of ${name}: it names ${license ?? "none"}, with no text`,
  );
}

const mit =
  `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

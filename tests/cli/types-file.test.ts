/** For TypeScript's compiler in strict mode, `profiles.gen.ts` has the same types as the schemas of the profiles' answers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { typesFile } from "../../packages/cli/src/check/types-file.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { checkProfiles } from "../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";

const part = z.object({
  name: z.string(),
  get parts() {
    return z.array(part);
  },
});
const model = "gpt-6-luna";
const profiles = {
  plain: { model },
  tree: { model, output: z.object({ root: part, last: part.nullable() }) },
  "a-b": {
    model,
    output: z.object({
      kind: z.union([z.literal("x"), z.literal(2), z.null()]),
      either: z.discriminatedUnion("is", [
        z.object({ is: z.literal("text"), text: z.string() }),
        z.object({ is: z.literal("count"), count: z.int() }),
      ]),
      lists: z.array(z.array(z.enum(["p", "q"]))),
      "odd name": z.boolean().describe("With a */ in it"),
    }),
  },
  a_b: { model, output: z.object({ at: z.iso.datetime() }) },
  "2nd": { model, output: z.object({ n: z.number() }) },
};

/** What a frontend does with the types. Each line is an error if they differ. */
const use = `
import type { Profiles } from "./profiles.gen.ts";

type Output<Name extends keyof Profiles> = Profiles[Name] extends
  { output: { readonly "~standard": { readonly types?: infer Types } } }
  ? NonNullable<Types> extends { readonly output: infer Value } ? Value : never
  : null;
type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : never : never;

export const plain: Same<Output<"plain">, null> = true;
export const ab: Same<Output<"a_b">, { at: string }> = true;
export const second: Same<Output<"2nd">, { n: number }> = true;
declare const wide: Output<"a-b">;
export const kind: Same<typeof wide.kind, "x" | 2 | null> = true;
export const lists: Same<typeof wide.lists, ("p" | "q")[][]> = true;
export const odd: boolean = wide["odd name"];
export const either: string | number = wide.either.is === "text" ? wide.either.text : wide.either.count;
declare const tree: Output<"tree">;
export const deep: string | undefined = tree.root.parts[0]?.parts[0]?.name;
export const last: string | undefined = tree.last?.name;
// @ts-expect-error: there is no such field
tree.root.nope;
`;

Deno.test("unions, lists, odd names and schemas that hold themselves keep their types", async () => {
  const report = await checkProfiles(profiles, () => true);
  assert.deepEqual(report.findings, []);
  const folder = await Deno.makeTempDir({ prefix: "types-" });
  try {
    await Deno.writeTextFile(join(folder, "profiles.gen.ts"), typesFile(report));
    await Deno.writeTextFile(join(folder, "use.ts"), use);
    const settings = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "esnext",
        moduleResolution: "bundler",
        types: [],
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        isolatedModules: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noUnusedLocals: true,
        allowImportingTsExtensions: true,
        lib: ["es2023"],
      },
    };
    await Deno.writeTextFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
    await runProcess({ name: "tsc", command: "node", args: [tsc, "-p", folder] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

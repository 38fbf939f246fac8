/**
 * `profiles.gen.ts`: the profiles that a frontend may name, and the shapes of their answers. It contains types only and no
 * imports, so that it compiles in any project, under any settings, without the server's sources.
 */
import { z } from "zod";
import type { ProfilesReport } from "./report.ts";
import { keyOf, typeOfSchema } from "./type-of-schema.ts";

/** Next to profiles.ts, in `supabase/`. */
export const typesPath = "functions/_shared/profiles.gen.ts";

const withDefinitions = z.looseObject({
  $defs: z.record(z.string(), z.unknown()).default({}),
});

export function typesFile({ profiles }: ProfilesReport): string {
  const declarations: string[] = [];
  const taken = new Set<string>();
  const members = profiles.map(({ name, output }) => {
    if (output === undefined) return `  ${keyOf(name)}: { output?: never };`;
    const type = freeName(`${pascal(name)}Output`, taken);
    declarations.push(...declare(type, output));
    return `  ${keyOf(name)}: { output: Schema<${type}> };`;
  });
  const schema = declarations.length === 0 ? [] : [
    `/** What the client reads a profile's answer from: https://standardschema.dev */
export interface Schema<Output> {
  readonly "~standard": { readonly types?: { readonly output: Output } };
}
`,
  ];
  return [
    `// Made by npx durable-responses check, of profiles.ts: do not edit it, commit it.
// deno-fmt-ignore-file
// deno-lint-ignore-file

/** For createDurableResponses<Profiles>(supabase). */
export interface Profiles {
${members.join("\n")}
}
`,
    ...schema,
    ...declarations,
  ].join("\n");
}

/** The type of an answer, and each type that it names, separately, because a schema may contain itself. */
function declare(type: string, output: unknown): string[] {
  const definitions = withDefinitions.safeParse(output).data?.$defs ?? {};
  const names = new Map(
    Object.keys(definitions).map((key, index) => [`#/$defs/${key}`, `${type}Part${index + 1}`]),
  );
  const nameOf = (ref: string) => ref === "#" ? type : names.get(ref) ?? "unknown";
  return [
    `export type ${type} = ${typeOfSchema(output, nameOf)};\n`,
    ...Object.entries(definitions).map(([key, schema]) =>
      `export type ${nameOf(`#/$defs/${key}`)} = ${typeOfSchema(schema, nameOf)};\n`
    ),
  ];
}

/** `a-b` and `a_b` are two profiles. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`;
  taken.add(name);
  return name;
}

function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Profile${joined}`;
}

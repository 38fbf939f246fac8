/** What `doctor` reads from the text of a profiles.ts. */
import assert from "node:assert/strict";
import { readProfiles } from "../../packages/cli/src/project/profiles-text.ts";
import { profilesFile } from "../../packages/cli/src/init/starters.ts";

const read = (body: string) => readProfiles(`export const profiles = defineProfiles({${body}});`);

Deno.test("names and models are read, whatever stands around them", () => {
  const profiles = read(`
    // mail: { model: "commented out" },
    default: { model: "a", instructions: "Say } and { and \\"model: x\\"." },
    "news-letter": { output: z.object({ id: z.string().regex(/^[}"'/]+$/) }), model: 'b', }, /* c: {} */
    report: { instructions: \`It's \${ { model: "no" }.model } } today\`, model: "c", retry: { max_attempts: 4 / 2 } },
  `);
  assert.deepEqual(
    profiles?.map(({ name, model }) => [name, model]),
    [["default", "a"], ["news-letter", "b"], ["report", "c"]],
  );
});

Deno.test("a stored prompt is seen, an absent one is not", () => {
  const profiles = read(
    `a: { prompt: { id: "pmpt_1" } }, b: { model: "m", prompt: undefined }, c: { model: "prompt: {}" }`,
  );
  assert.deepEqual(profiles?.map(({ hasPrompt }) => hasPrompt), [true, false, false]);
});

Deno.test("a spread inside a profile leaves what is written out; a model that is not is not guessed", () => {
  const profiles = read(
    `a: { ...mail, model: "m" }, b: { ...mail }, c: { model: fast }, d, e: mail`,
  );
  assert.deepEqual(profiles?.map(({ model }) => model), [
    "m",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("names that cannot be told from the text are not guessed", () => {
  for (const body of ["...others, a: {}", "[name]: {}", "a() {}", "a: { model: "]) {
    assert.equal(read(body), undefined, body);
  }
  assert.equal(readProfiles("export const profiles = all();"), undefined);
});

Deno.test("what init writes is read", () => {
  for (const kind of ["question", "mcp", "structured"] as const) {
    assert.deepEqual(readProfiles(profilesFile({ kind, model: "gpt-6-luna", server: "tools" })), [
      { name: "default", model: "gpt-6-luna", hasPrompt: false },
    ]);
  }
});

/** Our own lint rules: what they find, and that `deno lint` uses them. */
import assert from "node:assert/strict";
import plugin from "../../scripts/lint/house.ts";

const found = (source: string) =>
  Deno.lint.runPlugin(plugin, "file.ts", source).map(({ id, message }) => `${id}: ${message}`);

Deno.test("a literal that is spread into another one is found, in an object, a list and a call", () => {
  for (const source of ["const a = { ...{ b: 1 } };", "const a = [...[1, 2]];", "f(...[1, 2]);"]) {
    assert.deepEqual(found(source), [
      "house/no-literal-spread: A literal is spread into another one",
    ]);
  }
});

Deno.test("a spread that does something is none of these", () => {
  assert.deepEqual(found("const a = { ...b, ...(c && { d: 1 }), e: [...f, ...g()] };"), []);
});

Deno.test("the fix writes the entries where the spread was", () => {
  const [diagnostic] = Deno.lint.runPlugin(plugin, "file.ts", "f({ a, ...{ b: 1, c }, d });");
  const [fix] = diagnostic?.fix ?? [];
  assert.equal(fix?.text, "b: 1, c");
  assert.deepEqual(fix?.range, [7, 21]);
});

Deno.test("a constant in capitals is found, wherever it stands", () => {
  assert.deepEqual(found("export const MAX_RUNS = 5; function f() { const LIST = []; }"), [
    "house/constant-case: The constant 'MAX_RUNS' is written in capitals",
    "house/constant-case: The constant 'LIST' is written in capitals",
  ]);
});

Deno.test("types, classes, type parameters and names of one letter are none", () => {
  assert.deepEqual(found("const N = 1; type URL = string; class HTTP {} let A: URL;"), []);
});

Deno.test("deno lint asks them", async () => {
  const { default: config } = await import("../../deno.json", { with: { type: "json" } });
  assert.deepEqual(config.lint.plugins, ["./scripts/lint/house.ts"]);
});

/** Which profile and model the jobs of `doctor --smoke` have. */
import assert from "node:assert/strict";
import { smokeOptions } from "../../packages/cli/src/smoke/smoke.ts";

const text =
  'export const profiles = defineProfiles({ a: { model }, b: { model: "gpt-6-luna" } });';
const loaded = { profiles: [{ name: "of-a-spread" }], findings: [] };
const known = { text, loaded, deployed: ["there"] };

Deno.test("the first profile that spells out a model, unless another is given", () => {
  const { profile, model, waitMs } = smokeOptions({}, known);
  assert.deepEqual([profile, model, waitMs], ["b", "gpt-6-luna", 90_000]);
  for (const name of ["a", "there", "of-a-spread"]) {
    assert.equal(smokeOptions({ profile: name, model: "m" }, known).profile, name);
  }
});

Deno.test("a profile that is neither here nor deployed is refused with those that are", () => {
  for (const model of [undefined, "m"]) {
    assert.throws(() => smokeOptions({ profile: "nope", model }, known), {
      message:
        "Cannot run jobs with the profile 'nope': neither profiles.ts here nor the functions have it",
      hint: "The profiles are 'a', 'b', 'of-a-spread', 'there'",
      exitCode: 2,
    });
  }
});

Deno.test("without anything to compare with, the name that is given counts", () => {
  const nothing = { text: undefined, loaded: undefined, deployed: [] };
  assert.equal(smokeOptions({ profile: "x", model: "m" }, nothing).profile, "x");
});

Deno.test("a model that nothing names is asked for, and says whose it is", () => {
  assert.throws(() => smokeOptions({ profile: "a" }, known), {
    message: "Cannot tell which model to use: 'a' here names none literally",
    hint: /--smoke-model/,
  });
  assert.throws(() => smokeOptions({}, { ...known, text: undefined }), {
    message: "Cannot tell which model to use: no profile here names one literally",
  });
});

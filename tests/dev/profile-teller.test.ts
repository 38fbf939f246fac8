/** What `dev` says of the profiles, change after change. */
import assert from "node:assert/strict";
import { type Finding, ProfileTeller } from "../../packages/dev/dev/profile-check.ts";

Deno.test("what is wrong is said each time, a warning or a missing default once", () => {
  const said: string[] = [];
  const teller = new ProfileTeller((line) => void said.push(line));
  const told = (names: string[], findings: Finding[] = []) => {
    said.length = 0;
    teller.tell({ profiles: names.map((name) => ({ name })), findings });
    return [...said];
  };
  const warning: Finding = { profile: "a", severity: "warn", message: "Old", hint: "Renew it" };
  const mistake: Finding = { ...warning, severity: "wrong", message: "Bad" };
  const file = "supabase/functions/_shared/profiles.ts";
  const none = "profiles: none is called 'default', so each request must name its `profile`";

  assert.deepEqual(told(["default"]), ["profiles: ok ('default')"]);
  assert.deepEqual(told(["default"]), []);
  assert.deepEqual(told(["a"]), [none]);
  assert.deepEqual(told(["a"], [warning]), [`warning, ${file}: 'a': Old → Renew it`]);
  assert.deepEqual(told(["a"], [warning]), []);
  assert.deepEqual(told(["a"], [mistake]), [`wrong in ${file}: 'a': Bad → Renew it`]);
  assert.deepEqual(told(["a"], [mistake]), [`wrong in ${file}: 'a': Bad → Renew it`]);
  assert.deepEqual(told(["a", "default"]), ["profiles: ok again ('a', 'default')"]);
  assert.deepEqual(told(["a"]), [none]);

  teller.unchecked();
  assert.deepEqual(told(["default"]), ["profiles: ok again ('default')"]);
});

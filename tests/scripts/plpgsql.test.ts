import assert from "node:assert/strict";
import { describeFindings, type Finding } from "../../scripts/check/plpgsql.ts";

const finding: Finding = {
  function: "public.f",
  lineno: 3,
  statement: "RETURN",
  level: "warning",
  message: "it is odd",
  detail: "very",
  hint: null,
};

Deno.test("a finding is one line with its place", () => {
  assert.equal(describeFindings([finding], []), "public.f:3:RETURN: warning: it is odd; very");
  assert.equal(describeFindings([], []), undefined);
});

Deno.test("a finding is allowed by its message or its detail, in the functions that are named", () => {
  const why = "It is meant.";
  for (const message of ["it is odd", "very"]) {
    const allowed = [{ message, functions: ["public.f"], why }];
    assert.equal(describeFindings([finding], allowed), undefined);
    assert.match(
      describeFindings([finding, { ...finding, function: "public.g" }], allowed) ?? "",
      /^public\.g:3:RETURN: warning: it is odd; very$/,
    );
  }
});

Deno.test("what is allowed and not found any more is to be taken off the list", () => {
  const allowed = [{ message: "it is odd", functions: ["public.f", "public.g"], why: "" }];
  assert.match(describeFindings([finding], allowed) ?? "", /^public\.g: 'it is odd' is allowed/);
});

/** Checks the fields of a profile: unknown names, values that do not fit, secrets where nothing replaces them. */
// @ts-types="./closest-string.d.ts"
import { closestString } from "deno-std/text/closest_string.js";
// @ts-types="./closest-string.d.ts"
import { levenshteinDistance } from "deno-std/text/levenshtein_distance.js";
import * as z from "../../model/zod.ts";
import { decidedElsewhere, fieldNames, ownFields } from "./fields.ts";
import { type Found, pathOf } from "./finding.ts";
import { fitsPassedOn, isPassedOn, passedOn, type PassedType } from "../passed-on.ts";
import { defaultReviewMs } from "../profile.ts";
import { secretNames } from "../secret-references.ts";
import { shown } from "./shown.ts";
import { storedPromptHint } from "../stored-prompt.ts";
import { defaultWasMadeAfterMs } from "../was-made.ts";

const ownSchema = z.looseObject(ownFields);

export function checkFields(profile: Record<string, unknown>): Found[] {
  const unknown = Object.keys(profile).filter((name) => !fieldNames.includes(name));
  const { error } = ownSchema.safeParse(profile);
  return [
    ...unknown.flatMap((name) =>
      name === "prompt" ? storedPrompt(profile[name]) : [
        noSuchField([], name, fieldNames, decidedElsewhere.get(name)),
      ]
    ),
    ...(error?.issues ?? []).flatMap((issue) => foundBy(issue, profile)),
    ...wrongTypes(profile),
    ...misplacedExtras(profile["extra_body"]),
    ...misplacedSecrets(profile),
    ...neverAsked(profile),
  ];
}

/** Settings that are sent as they are: OpenAI would refuse these, and the job would fail. */
function wrongTypes(profile: Record<string, unknown>): Found[] {
  return Object.entries(profile).flatMap(([name, value]): Found[] =>
    !isPassedOn(name) || fitsPassedOn(name, value) ? [] : [{
      path: name,
      severity: "wrong",
      message: `'${name}' must be ${
        passedOn[name].map((type) => typeNames[type]).join(" or ")
      }, but it is ${shown(value)}`,
      hint: `See '${name}' at ${reference}, then deploy the fix`,
    }]
  );
}

const reference = "https://platform.openai.com/docs/api-reference/responses/create";
const typeNames: Readonly<Record<PassedType, string>> = {
  "text": "a text",
  "number": "a number",
  "whole number": "a whole number",
  "true or false": "true or false",
  "list": "a list",
  "object": "an object",
};

/** `extra_body` is for what has no place of its own: it must not get around the rules of a field that is known. */
function misplacedExtras(extras: unknown): Found[] {
  if (typeof extras !== "object" || extras === null) return [];
  const known = Object.keys(extras).filter((name) =>
    fieldNames.includes(name) || decidedElsewhere.has(name) || name === "prompt"
  );
  return known.map((name) => ({
    path: `extra_body.${name}`,
    severity: "wrong",
    message: `'extra_body' must not contain '${name}'`,
    hint: decidedElsewhere.get(name) ??
      (name === "prompt" ? storedPromptHint : `Set '${name}' in the profile itself`),
  }));
}

/** References in the texts of a profile: nothing replaces them there, so OpenAI would get them as they are. */
function misplacedSecrets(fields: Record<string, unknown>): Found[] {
  return Object.entries(fields).flatMap(([path, value]) =>
    typeof value === "string"
      ? [...secretNames(value)].map((name): Found => ({
        path,
        severity: "wrong",
        message: `'${path}' has secret("${name}"), which works only in tools`,
        hint: "The model must not see a secret. Move it into the tool that needs it",
      }))
      : []
  );
}

/** A `was_made` that is never asked: its adopter would believe that nobody need answer a review. */
function neverAsked(
  { was_made, was_made_after_ms: afterMs, on_uncertain, review_ms }: Record<string, unknown>,
): Found[] {
  const wrong = (path: string, message: string, hint: string): Found[] => [
    { path, severity: "wrong", message, hint },
  ];
  if (was_made === undefined) {
    return afterMs === undefined ? [] : wrong(
      "was_made_after_ms",
      "'was_made_after_ms' says when 'was_made' is asked, but there is none",
      "Add 'was_made', or leave it out",
    );
  }
  if (on_uncertain === "retry") {
    return wrong(
      "was_made",
      "'was_made' is never asked: with on_uncertain \"retry\" no job is held for review",
      "Leave out one of the two",
    );
  }
  const [after, review] = [afterMs ?? defaultWasMadeAfterMs, review_ms ?? defaultReviewMs];
  return typeof after === "number" && typeof review === "number" && after >= review
    ? wrong(
      "was_made_after_ms",
      `'was_made' is never asked: a review expires after ${review} ms, and it is asked after ${after} ms`,
      "Lower 'was_made_after_ms', or raise 'review_ms'",
    )
    : [];
}

/** An unknown field, with the one that was probably meant. */
function noSuchField(
  path: readonly PropertyKey[],
  name: string,
  known: readonly string[],
  why?: string,
): Found {
  const begins = known.find((field) => field.startsWith(name));
  const near = begins ?? closestString(name, known);
  const isTypo = begins !== undefined ||
    levenshteinDistance(name, near) <= Math.max(2, Math.floor(name.length / 3));
  const where = path.length === 0 ? "A profile" : `'${pathOf(path)}'`;
  return {
    path: pathOf([...path, name]),
    severity: "wrong",
    message: `${where} has no field '${name}'`,
    hint: why ??
      (isTypo
        ? `Did you mean '${near}'?`
        : `The fields are ${known.join(", ")}${
          path.length > 0
            ? ""
            : ". A field of OpenAI's that is newer than this release goes into `extra_body`"
        }`),
  };
}

function storedPrompt(value: unknown): Found[] {
  return value === undefined || value === null ? [] : [{
    path: "prompt",
    severity: "wrong",
    message: "It has a 'prompt', but OpenAI's stored prompts end on 2026-11-30 (stored_prompt)",
    hint: storedPromptHint,
  }];
}

function foundBy(issue: z.core.$ZodIssue, profile: unknown): Found[] {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(membersAt(issue.path));
    return issue.keys.map((key) => noSuchField(issue.path, key, known));
  }
  const inner = issue.code === "invalid_union" ? issueWithin(issue.errors) : undefined;
  if (inner !== undefined) {
    return foundBy({ ...inner, path: [...issue.path, ...inner.path] }, profile);
  }
  const path = pathOf(issue.path);
  return [{
    path,
    severity: "wrong",
    message: `'${path}' ${ruleOf(issue)}, but it is ${shown(valueAt(profile, issue.path))}`,
    hint: `See profiles.md#${path.split(/[.[]/)[0]} in the package's docs`,
  }];
}

/** The rule in our words: zod's say what it received too, which the value says better. */
function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${expectedNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return oneOf(issue.values.map((value) => `'${String(value)}'`));
    case "too_small":
      return range(issue.origin, issue.inclusive ? "at least" : "more than", issue.minimum);
    case "too_big":
      return range(issue.origin, issue.inclusive ? "at most" : "less than", issue.maximum);
    case "invalid_union":
      return unionRule(issue.errors);
    default:
      // Ours begin with their rule.
      return issue.message.startsWith("must ") ? issue.message : `is invalid: ${issue.message}`;
  }
}

/** What is wrong inside of a value that is of one of the types that it may have. */
function issueWithin(errors: z.core.$ZodIssue[][]): z.core.$ZodIssue | undefined {
  return errors.flat().find(({ path }) => path.length > 0);
}

/** The types that a value may have. */
function unionRule(errors: z.core.$ZodIssue[][]): string {
  const rules = errors.flat().map((issue) => ruleOf(issue).replace(/^must be /, ""));
  return `must be ${[...new Set(rules)].join(" or ")}`;
}

function oneOf(values: string[]): string {
  return values.length > 2
    ? `must be one of ${values.join(", ")}`
    : `must be ${values.join(" or ")}`;
}

function range(origin: string, than: string, limit: number | bigint): string {
  const one = { string: "character", array: "entry" }[origin];
  const many = { string: "characters", array: "entries" }[origin];
  if (one === undefined || many === undefined) return `must be ${than} ${limit}`;
  return `must have ${than} ${limit} ${Number(limit) === 1 ? one : many}`;
}

const expectedNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** The fields of the nested objects that are completely known. */
function membersAt([name]: readonly PropertyKey[]): object {
  const schema = name === "budgets" || name === "retry" ? ownFields[name] : undefined;
  return schema ? schema.def.innerType.def.shape : {};
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}

/**
 * Whether a field's values fit the type of an argument. Postgres reads values as jsonb_to_record() does: anything but an
 * array or object by its text, so that "5" is an integer too. Unknown types are assumed to fit.
 */
import type { PostgresType } from "./facts.ts";
import { type JsonType, type JsonValue, valuesOf } from "./json-type.ts";

export interface Misfit {
  /** wrong: no value of the field fits. warn: some do. */
  severity: "wrong" | "warn";
  /** The value that does not fit, such as `array of string`. */
  given: string;
  /** What the argument accepts, as a zod schema. */
  wanted: string;
}

interface Rule {
  fits: JsonType[];
  /** Some values do. */
  may: JsonType[];
  wanted: string;
}

const scalars: JsonType[] = ["string", "number", "integer", "boolean"];
const rules = {
  text: { fits: scalars, may: ["array", "object"], wanted: "z.string()" },
  integer: { fits: ["integer"], may: ["number", "string"], wanted: "z.int()" },
  /** Beyond 2^53, only a string has every digit. */
  bigint: { fits: ["integer", "string"], may: ["number"], wanted: "z.int() or z.string()" },
  number: { fits: ["integer", "number", "string"], may: [], wanted: "z.number()" },
  boolean: { fits: ["boolean"], may: ["string", "integer", "number"], wanted: "z.boolean()" },
  /** 20260101 is a day. */
  time: {
    fits: ["string"],
    may: ["integer", "number"],
    wanted: "z.iso.datetime() or z.iso.date()",
  },
  interval: { fits: ["string"], may: ["integer", "number"], wanted: "z.string()" },
  uuid: { fits: ["string"], may: [], wanted: "z.uuid()" },
  enum: { fits: ["string"], may: [], wanted: "z.enum([…])" },
  array: { fits: ["array"], may: ["string"], wanted: "z.array(…)" },
  composite: { fits: ["object"], may: ["string"], wanted: "z.object({…})" },
  pseudo: { fits: [], may: [], wanted: "an argument of a type that a value can have" },
} satisfies Record<string, Rule>;

const byName: Readonly<Record<string, Rule>> = {
  smallint: rules.integer,
  integer: rules.integer,
  bigint: rules.bigint,
  uuid: rules.uuid,
};
const byCategory: Readonly<Record<string, Rule>> = {
  A: rules.array,
  B: rules.boolean,
  C: rules.composite,
  D: rules.time,
  E: rules.enum,
  N: rules.number,
  P: rules.pseudo,
  S: rules.text,
  T: rules.interval,
};

/** The first value that does not fit. Values of which none fits come first. */
export function misfitOf(schema: unknown, type: PostgresType): Misfit | undefined {
  const rule = byName[type.base] ?? byCategory[type.category];
  if (rule === undefined) return undefined;
  const values = valuesOf(schema);
  if (rule === rules.pseudo && values.length === 0) {
    return { severity: "wrong", given: "anything", wanted: rule.wanted };
  }
  const found = values.flatMap((value) => misfitOfValue(value, type, rule) ?? []);
  return found.find(({ severity }) => severity === "wrong") ?? found[0];
}

function misfitOfValue(value: JsonValue, type: PostgresType, rule: Rule): Misfit | undefined {
  const { wanted } = rule;
  if (!rule.fits.includes(value.type)) {
    const severity = rule.may.includes(value.type) ? "warn" : "wrong";
    return { severity, given: value.type, wanted };
  }
  if (rule === rules.array) return misfitOfItems(value, type);
  return rule === rules.enum ? misfitOfLabel(value, type) : undefined;
}

/** An array of arrays is an array with more dimensions. */
function misfitOfItems({ items }: JsonValue, type: PostgresType): Misfit | undefined {
  const nested = valuesOf(items).some((item) => item.type === "array");
  const element = nested ? type : type.element;
  const misfit = element && misfitOf(items, element);
  return misfit && {
    ...misfit,
    given: `array of ${misfit.given}`,
    wanted: `z.array(${misfit.wanted})`,
  };
}

function misfitOfLabel({ values }: JsonValue, { labels = [] }: PostgresType): Misfit | undefined {
  const wanted = `z.enum(${JSON.stringify(labels)})`;
  if (values === undefined) return { severity: "warn", given: "any string", wanted };
  const unknown = values.find((value) => !labels.includes(value));
  return unknown === undefined
    ? undefined
    : { severity: "wrong", given: JSON.stringify(unknown), wanted };
}

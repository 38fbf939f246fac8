/** Reads fields of rows that came over the network. A field of the wrong type throws here and gets no further. */

export type Row = Readonly<Record<string, unknown>>;

export function toRow(value: unknown): Row {
  if (!isRow(value)) {
    throw new TypeError(
      `Cannot read a row: it must be an object, not ${value}`,
    );
  }
  return value;
}

export function toRows(value: unknown): Row[] {
  if (!Array.isArray(value)) {
    throw new TypeError(
      `Cannot read rows: they must be an array, not ${typeof value}`,
    );
  }
  return value.map(toRow);
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== "string") throw wrong(name, "a text", value);
  return value;
}

export function number(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== "number") throw wrong(name, "a number", value);
  return value;
}

export function object(row: Row, name: string): Record<string, unknown> {
  const value = row[name];
  if (!isRow(value)) throw wrong(name, "an object", value);
  return value;
}

export function array(row: Row, name: string): unknown[] {
  const value = row[name];
  if (!Array.isArray(value)) throw wrong(name, "an array", value);
  return value;
}

export function oneOf<T extends string>(
  row: Row,
  name: string,
  values: readonly T[],
): T {
  const value = values.find((candidate) => candidate === row[name]);
  if (value === undefined) {
    throw wrong(name, `one of ${values.join(", ")}`, row[name]);
  }
  return value;
}

/** A field that may be null or missing. */
export function nullable<T>(
  row: Row,
  name: string,
  read: (row: Row, name: string) => T,
): T | null {
  return row[name] === null || row[name] === undefined ? null : read(row, name);
}

function wrong(name: string, rule: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot read '${name}': it must be ${rule}, not ${typeof value}`,
  );
}

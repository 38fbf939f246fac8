/** Adds the sections that the functions need to supabase/config.toml, without touching anything else. */
import { isDeepStrictEqual } from "node:util";
import { parse, TomlError, type TomlTable } from "smol-toml";
import { Failure } from "../failure.ts";

/** The functions check their callers themselves (user tokens of both kinds, the webhook's signature, the worker secret). */
export const functionSettings = {
  verify_jwt: false,
  import_map: "./functions/import_map.json",
} as const;

/**
 * The text with a section for each function. Comments, order and line endings stay the same.
 * @throws Failure if the file is not TOML, or its layout does not allow lines to be added
 */
export function withFunctionSections(text: string, names: readonly string[]): string {
  const before = parseToml(text);
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(/\r?\n/);
  for (const name of names) {
    addSettings(lines, name, isTable(section(before, name)));
  }
  const after = lines.join(newline);
  if (!saysAsWanted(after, wantedFunctions(before, names))) {
    throw new Failure(
      "Cannot add the functions' sections to supabase/config.toml: they have a different layout there",
      {
        hint: `Give each of ${names.join(", ")} a section by hand: [functions.${
          names[0]
        }], verify_jwt = false, import_map = "${functionSettings.import_map}"`,
      },
    );
  }
  return after;
}

/** What is wrong with the functions' settings, one line each. */
export function wrongSettings(text: string, names: readonly string[]): string[] {
  const config = parseToml(text);
  return names.flatMap((name) => {
    const found = section(config, name);
    const settings = isTable(found) ? found : {};
    return Object.entries(functionSettings).flatMap(([key, value]) =>
      settings[key] === value ? [] : [
        `[functions.${name}] ${key} must be ${JSON.stringify(value)}: it is ${
          JSON.stringify(settings[key]) ?? "not set"
        }`,
      ]
    );
  });
}

/** Adds the missing settings of one function's section, and corrects those that differ. */
function addSettings(lines: string[], name: string, exists: boolean): void {
  const settings = Object.entries(functionSettings).map(([key, value]) =>
    [key, JSON.stringify(value)] as const
  );
  if (!exists) {
    while (lines.at(-1) === "") lines.pop();
    lines.push(
      "",
      `[functions.${name}]`,
      ...settings.map(([key, value]) => `${key} = ${value}`),
      "",
    );
    return;
  }
  const header = lines.findIndex((line) => isHeader(line, name));
  if (header === -1) return;
  const next = lines.findIndex((line, index) => index > header && /^\s*\[/.test(line));
  const end = next === -1 ? lines.length : next;
  for (const [key, value] of settings.toReversed()) {
    const at = lines.findIndex((line, index) =>
      index > header && index < end &&
      new RegExp(`^\\s*"?${key}"?\\s*=`).test(line)
    );
    if (at === -1) lines.splice(header + 1, 0, `${key} = ${value}`);
    else lines[at] = withValue(lines[at] ?? "", value);
  }
}

/** The line with another value. A comment after it stays. */
function withValue(line: string, value: string): string {
  const [, start = "", comment = ""] =
    line.match(/^([^=]*=\s*)(?:"[^"]*"|'[^']*'|[^#"']*?)(\s*#.*)?$/) ?? [];
  return start === "" ? line : `${start}${value}${comment}`;
}

function isHeader(line: string, name: string): boolean {
  return new RegExp(
    `^\\s*\\[\\s*functions\\s*\\.\\s*["']?${name}["']?\\s*\\]\\s*(#.*)?$`,
  ).test(
    line,
  );
}

/** Whether a text has the wanted settings, and no other change. */
export function saysAsWanted(text: string, wanted: TomlTable): boolean {
  try {
    return isDeepStrictEqual(plain(parse(text)), plain(wanted));
  } catch (error) {
    // The added section conflicts with the file's own layout, such as `functions = {…}`.
    if (error instanceof TomlError) return false;
    throw error;
  }
}

function wantedFunctions(config: TomlTable, names: readonly string[]): TomlTable {
  const functions = isTable(config["functions"]) ? config["functions"] : {};
  const ours = names.map((name) => {
    const found = functions[name];
    return [name, { ...(isTable(found) ? found : {}), ...functionSettings }] as const;
  });
  return {
    ...config,
    functions: { ...functions, ...Object.fromEntries(ours) },
  };
}

function section(config: TomlTable, name: string): unknown {
  const functions = config["functions"];
  return isTable(functions) ? functions[name] : undefined;
}

export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** As JSON, so that only keys and values are compared: the parser's tables have no prototype. */
function plain(config: TomlTable): unknown {
  return JSON.parse(JSON.stringify(config));
}

export function parseToml(text: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const place = `line ${cause.line}, column ${cause.column}`;
    throw new Failure(
      `Cannot read supabase/config.toml: ${cause.message.split("\n")[0]} (${place})`,
      {
        hint: "Fix that place in the file, then run the command again",
        cause,
      },
    );
  }
}

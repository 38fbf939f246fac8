/** The members of a JSON object as they are written: numbers with all their digits, and a repeated name each time. */

export interface JsonEntry {
  name: string;
  /** The value as it is written. */
  written: string;
  /** The content of a string; undefined for any other value. */
  text: string | undefined;
  /** The name occurs more than once: JSON parsers differ in which value they use. */
  isRepeated: boolean;
}

/** Undefined if the text is not a JSON object. */
export function jsonEntries(text: string): JsonEntry[] | undefined {
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = members(text).map((member) => {
    const [, name = '""', written = ""] = /^\s*("(?:[^"\\]|\\.)*")\s*:([^]*)$/.exec(member) ?? [];
    return { name: stringOf(name) ?? "", written: written.trim() };
  });
  return entries.map(({ name, written }) => ({
    name,
    written,
    text: stringOf(written),
    isRepeated: entries.filter((other) => other.name === name).length > 1,
  }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function stringOf(written: string): string | undefined {
  const value = written.startsWith('"') ? parsed(written) : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The text between the object's own commas. It is valid JSON, so only strings and brackets need attention. */
function members(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let current = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^]/g)) {
    if (/^[}\]]$/.test(token)) depth--;
    const isOuter = depth === 0 || (depth === 1 && token === ",");
    if (!isOuter) current += token;
    else if (current.trim() !== "") found.push(current);
    if (isOuter) current = "";
    if (/^[{[]$/.test(token)) depth++;
  }
  return found;
}

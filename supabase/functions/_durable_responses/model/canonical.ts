/**
 * One canonical form for JSON: two texts have the same form if and only if they mean the same, so that a repeated call or
 * request is recognized. White space, the order of keys and the escaping of strings make no difference.
 *
 * Numbers stay as they were written: 9007199254740993 is not 9007199254740992, which JavaScript would make of it. Neither
 * are 1.0 and 1, or 1e400 and 1e500, the same. A key that occurs twice in an object stays twice. Half a surrogate pair is
 * escaped, so that storing the form loses nothing. In doubt, two forms differ.
 */

/** Deeper JSON is compared as plain text. */
const maxDepth = 1_000;

/** Starts the form of a text that is not JSON. No JSON starts with it. */
const plainTextMark = "#";

/** An object or a list that has not been closed yet. */
interface Open {
  /** The members of an object, by key; undefined for a list. */
  members: { key: string; form: string }[] | undefined;
  /** The entries of a list. */
  entries: string[];
  /** The key whose value comes next. */
  key: string | undefined;
}

/**
 * The canonical form of a JSON text. A text that is not JSON (cut off, empty, plain words), or is nested deeper than 1,000
 * levels, keeps its text with a mark in front: such texts are the same only if they are equal.
 */
export function canonicalJson(text: string): string {
  return (isJson(text) ? formOf(text) : undefined) ?? `${plainTextMark}${JSON.stringify(text)}`;
}

/**
 * The canonical form of each member of an object, by its name; for a name that occurs twice, both forms. Empty for a text
 * that is not an object.
 */
export function canonicalMembers(text: string): ReadonlyMap<string, string> {
  const forms = new Map<string, string>();
  for (const { key, form } of (isJson(text) ? readJson(text) : undefined)?.members ?? []) {
    const name: unknown = JSON.parse(key);
    const before = forms.get(String(name));
    forms.set(String(name), before === undefined ? form : `${before},${form}`);
  }
  return forms;
}

/**
 * The canonical form of a parsed value. Whatever JSON.parse loses is lost here too: the last digits of integers above 2^53,
 * and the first of two equal keys. So it can compare values, but must not tell one request from another: compare the texts
 * of the bodies for that.
 */
export function canonicalOfValue(value: unknown): string {
  return canonicalJson(JSON.stringify(value) ?? "");
}

/**
 * What JSON.parse loses of a JSON text, in words; undefined if it loses nothing. If a key occurs twice in an object, it keeps
 * only the last, and it changes integers that it cannot represent.
 */
export function lostByParsing(json: string): string | undefined {
  const open: { keys: Set<string> | undefined; expectsKey: boolean }[] = [];
  for (const token of tokensOf(json)) {
    const parent = open.at(-1);
    const isKey = parent?.keys !== undefined && parent.expectsKey && token.startsWith('"');
    if (isKey) {
      const key = normalizedString(token);
      if (parent.keys?.has(key)) return `the key ${key} occurs twice in one object`;
      parent.keys?.add(key);
      parent.expectsKey = false;
      continue;
    }
    if (token === "{" || token === "[") {
      if (parent) parent.expectsKey = true;
      open.push({ keys: token === "{" ? new Set() : undefined, expectsKey: true });
    } else if (token === "}" || token === "]") {
      open.pop();
    } else {
      if (parent) parent.expectsKey = true;
      if (isInexact(token)) return `the number ${token.slice(0, 50)} cannot be represented exactly`;
    }
  }
  return undefined;
}

/** The last digits of a fraction do not matter. Those of an integer, such as an account number, do. */
function isInexact(token: string): boolean {
  if (!/^-?\d/.test(token)) return false;
  const value = Number(token);
  return !Number.isFinite(value) || Number.isInteger(value) && !Number.isSafeInteger(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** @returns undefined if it is nested too deep */
function formOf(json: string): string | undefined {
  return readJson(json)?.form;
}

/** A text that is known to be JSON: its form, and its members if it is an object. */
function readJson(json: string): { form: string; members: Open["members"] } | undefined {
  const open: Open[] = [];
  let whole: string | undefined;
  let outermost: Open | undefined;
  const add = (form: string) => {
    const parent = open.at(-1);
    if (parent === undefined) whole = form;
    else if (parent.members === undefined) parent.entries.push(form);
    else {
      parent.members.push({ key: parent.key ?? "", form });
      parent.key = undefined;
    }
  };
  for (const token of tokensOf(json)) {
    const parent = open.at(-1);
    if (token === "{" || token === "[") {
      if (open.length === maxDepth) return undefined;
      open.push({ members: token === "{" ? [] : undefined, entries: [], key: undefined });
    } else if (token === "}" || token === "]") {
      open.pop();
      outermost = parent;
      if (parent) add(closed(parent));
    } else if (token.startsWith('"')) {
      const normalized = normalizedString(token);
      if (parent?.members && parent.key === undefined) parent.key = normalized;
      else add(normalized);
    } else {
      add(token);
    }
  }
  return whole === undefined ? undefined : { form: whole, members: outermost?.members };
}

/** Joined with `+` instead of `join`, because deep parts would be copied once for each level around them. */
function closed({ members, entries }: Open): string {
  if (members === undefined) return "[" + separated(entries) + "]";
  // Equal keys keep their order: which of them counts depends on the reader.
  members.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return "{" + separated(members.map(({ key, form }) => key + ":" + form)) + "}";
}

function separated(parts: string[]): string {
  let text = "";
  for (const [index, part] of parts.entries()) text += index === 0 ? part : "," + part;
  return text;
}

/** Well-formed by JSON.stringify: half a surrogate pair becomes its escape. */
function normalizedString(token: string): string {
  return JSON.stringify(JSON.parse(token));
}

/** The tokens of a text that is known to be JSON, without white space, commas and colons. */
function* tokensOf(json: string): Generator<string> {
  const punctuation = /[{}[\]]/;
  const skipped = /[\s,:]/;
  const ends = /[\s,:{}[\]"]/g;
  for (let at = 0; at < json.length;) {
    const character = json.charAt(at);
    let end = at + 1;
    if (character === '"') {
      end = endOfString(json, at);
    } else if (!punctuation.test(character) && !skipped.test(character)) {
      ends.lastIndex = at;
      end = ends.exec(json)?.index ?? json.length;
    }
    if (!skipped.test(character)) yield json.slice(at, end);
    at = end;
  }
}

/** The position after the closing quote: the first quote with an even number of backslashes in front. The end if there is none. */
export function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1);; quote = json.indexOf('"', quote + 1)) {
    if (quote === -1) return json.length;
    let backslashes = 0;
    while (json.charAt(quote - 1 - backslashes) === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

/**
 * One canonical form for JSON: two texts have the same form if and only if they say the same, so that a call or a request is
 * recognised when it comes again. White space, the order of keys and the way a string is escaped make no difference.
 *
 * Numbers stay as they were written: 9007199254740993 is not 9007199254740992, which JavaScript would make of it, and neither
 * 1.0 and 1 nor 1e400 and 1e500 are taken for one. A key that stands twice in an object stays twice. Half a surrogate pair
 * stays what it is: it is escaped, so that storing the form loses nothing. In doubt two forms differ.
 */

/** Deeper JSON is compared as plain text. */
const maxDepth = 1_000;

/** Begins the form of a text that is not JSON; no JSON begins with it. */
const plainTextMark = "#";

/** An object or a list whose end has not been seen. */
interface Open {
  /** The members of an object, by key; undefined for a list. */
  members: { key: string; form: string }[] | undefined;
  /** The entries of a list. */
  entries: string[];
  /** The key whose value comes next. */
  key: string | undefined;
}

/**
 * The canonical form of a JSON text. For a text that is not JSON (cut off, empty, plain words) or nested deeper than 1,000
 * levels it is the text itself with a mark in front: such texts are the same only when they are equal.
 */
export function canonicalJson(text: string): string {
  return (isJson(text) ? formOf(text) : undefined) ?? `${plainTextMark}${JSON.stringify(text)}`;
}

/**
 * The canonical form of each member of an object, by its name; of a name that stands there twice, both forms. Empty for a text
 * that is no object.
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
 * The canonical form of a value that was parsed already. What JSON.parse has lost by then is lost here too: of integers above
 * 2^53 the last digits, of two equal keys the first. So it compares values, and never tells one request from another: for that
 * there is the text of its body.
 */
export function canonicalOfValue(value: unknown): string {
  return canonicalJson(JSON.stringify(value) ?? "");
}

/**
 * What JSON.parse would lose of a text that is JSON, in words; undefined where the value is all that the text says. Of a key that
 * stands twice it keeps the last, and a whole number that it cannot hold becomes another one.
 */
export function lostByParsing(json: string): string | undefined {
  const open: { keys: Set<string> | undefined; expectsKey: boolean }[] = [];
  for (const token of tokensOf(json)) {
    const parent = open.at(-1);
    const isKey = parent?.keys !== undefined && parent.expectsKey && token.startsWith('"');
    if (isKey) {
      const key = normalizedString(token);
      if (parent.keys?.has(key)) return `the key ${key} stands twice in one object`;
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
      if (isInexact(token)) return `the number ${token.slice(0, 50)} cannot be held exactly`;
    }
  }
  return undefined;
}

/** Of a fraction the last digits mean nothing; of a whole number, such as an account's, they do. */
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

/** @returns undefined for what is nested too deep */
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

/** Joined by `+` and not by `join`: what lies deep would be copied once for each level around it. */
function closed({ members, entries }: Open): string {
  if (members === undefined) return "[" + separated(entries) + "]";
  // Equal keys stay in their order: which of them counts depends on who reads it.
  members.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return "{" + separated(members.map(({ key, form }) => key + ":" + form)) + "}";
}

function separated(parts: string[]): string {
  let text = "";
  for (const [index, part] of parts.entries()) text += index === 0 ? part : "," + part;
  return text;
}

/** Well-formed by JSON.stringify: half a surrogate pair comes out as its escape. */
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

/** Behind the closing quote: the first one with an even number of backslashes in front. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1);; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json.charAt(quote - 1 - backslashes) === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

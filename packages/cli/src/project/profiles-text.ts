/**
 * Reads names, models and stored prompts from profiles.ts as text: Node cannot run TypeScript with Deno's imports, and
 * doctor must work without Deno. If there is a Deno, check/ loads the file, with no permission except to read the
 * environment. Anything that the text does not show (a spread, a computed name) is not guessed.
 */

export interface ProfileText {
  name: string;
  /** Undefined where it is not written out as one string. */
  model: string | undefined;
  /** It has a `prompt`, which OpenAI no longer serves. */
  hasPrompt: boolean;
}

interface Member {
  key: string;
  /** Where its value starts in the text; undefined for a shorthand. */
  value: number | undefined;
}

const callPattern = /\bdefineProfiles\s*(?:<[^()]*>)?\s*\(\s*(?=\{)/;
const keyPattern = /(?:"([^"\\]*)"|'([^'\\]*)'|([\w$]+))/y;
const stringPattern = /"([^"\\\n]*)"|'([^'\\\n]*)'/y;
const blank = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
const regularExpression = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** After one of these, a slash starts a regular expression. After anything else, it is a division. */
const beforeExpression = "(,=:[!&|?{};+-*%<>~^";

/** The profiles in `defineProfiles({…})`; undefined if the text does not show them. */
export function readProfiles(text: string): ProfileText[] | undefined {
  const call = callPattern.exec(text);
  if (!call) return undefined;
  return membersOf(text, call.index + call[0].length)?.map(({ key, value }) => {
    const inside = value === undefined ? [] : membersOf(text, value, true) ?? [];
    const valueOf = (name: string) => inside.find((member) => member.key === name)?.value;
    const [model, prompt] = [valueOf("model"), valueOf("prompt")];
    const written = model === undefined ? null : matchAt(stringPattern, text, model);
    return {
      name: key,
      model: written?.[1] ?? written?.[2],
      hasPrompt: prompt !== undefined && !/^(?:undefined|null)\b/.test(text.slice(prompt)),
    };
  });
}

/**
 * The members of the object literal that starts at `start`; undefined if it is not one, or if some members cannot be read.
 * @param partly the members that are spelled out are enough, even if a spread adds others
 */
function membersOf(text: string, start: number, partly = false): Member[] | undefined {
  if (text[start] !== "{") return undefined;
  const members: Member[] = [];
  for (let at = skipBlank(text, start + 1); at < text.length;) {
    if (text[at] === "}") return members;
    if (partly && text.startsWith("...", at)) {
      at = skipValue(text, at + 3);
      if (text[at] === ",") at = skipBlank(text, at + 1);
      continue;
    }
    const key = matchAt(keyPattern, text, at);
    if (!key) return undefined;
    at = skipBlank(text, at + key[0].length);
    const named = text[at] === ":";
    if (!named && text[at] !== "," && text[at] !== "}") return undefined;
    const value = named ? skipBlank(text, at + 1) : undefined;
    members.push({ key: key[1] ?? key[2] ?? key[3] ?? "", value });
    if (value !== undefined) at = skipValue(text, value);
    if (text[at] === ",") at = skipBlank(text, at + 1);
  }
  return undefined;
}

/** The comma or bracket that ends the value that starts at `start`. */
function skipValue(text: string, start: number): number {
  let depth = 0;
  let before = ":";
  for (let at = start; at < text.length;) {
    const char = text[at] ?? "";
    if (depth === 0 && (char === "," || char === "}")) return at;
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    const next = skipToken(text, at, before);
    if (!/\s/.test(char)) before = char;
    at = Math.max(next, at + 1);
  }
  return text.length;
}

/** The position after a string, template, comment or regular expression that starts here; otherwise after this character. */
function skipToken(text: string, at: number, before: string): number {
  const char = text[at];
  if (char === '"' || char === "'" || char === "`") return skipQuoted(text, at);
  const comment = skipBlank(text, at);
  if (comment > at) return comment;
  const expression = char === "/" && beforeExpression.includes(before)
    ? matchAt(regularExpression, text, at)
    : null;
  return at + (expression?.[0].length ?? 1);
}

/** The position after the closing quote. A template's `${…}` may contain templates. */
function skipQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at + 1;
    else if (quote === "`" && text.startsWith("${", at)) at = skipValue(text, at + 2);
  }
  return text.length;
}

function skipBlank(text: string, at: number): number {
  return at + (matchAt(blank, text, at)?.[0].length ?? 0);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

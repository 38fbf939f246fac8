/**
 * Shows a person exactly what is in a text from models, tools or callers. An escape sequence could control the terminal that
 * shows it, and a character that changes the writing direction could make one address look like another.
 */

/** C0 and C1 except line break and tab, lone surrogates, line separators, and characters that change the writing direction. */
const acting =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]|\p{Cs}/gu;

/** Those, and characters that show nothing, or a blank that is not a space. */
const unseen =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2800]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|\p{Default_Ignorable_Code_Point}|(?! )\p{Zs}/gu;

/** For reading: control characters are named instead, `⟨U+202E⟩`. Emoji and every script stay as they are. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(acting, named);
}

/** For deciding: invisible characters are named too, so that two texts that differ look different. */
export function visibleExactly(text: string): string {
  return text.replace(unseen, named);
}

/** JSON for a terminal or a pipe: the same value, with control characters written as escapes. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    acting,
    (character) => character.replace(/./gsu, (unit) => `\\u${hex(unit.charCodeAt(0))}`),
  );
}

function named(character: string): string {
  return `⟨U+${hex(character.codePointAt(0) ?? 0)}⟩`;
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}

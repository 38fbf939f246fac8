import { endOfString } from "../../model/canonical.ts";

/** A text that is longer is content, such as a photo, characters. */
const longText = 10_000;

/**
 * How long a JSON text is without the long texts in it, as far as that is at most `most`. Parsing costs what its structure
 * costs: 24 MB of brackets are a gigabyte of arrays, and one photo is one text.
 */
export function lengthWithoutLongTexts(json: string, most: number): number {
  let length = 0;
  for (let at = 0; at < json.length && length <= most;) {
    const quote = json.indexOf('"', at);
    if (quote === -1) return length + json.length - at;
    const end = endOfString(json, quote);
    length += quote - at;
    if (end - quote < longText) length += end - quote;
    at = end;
  }
  return length;
}

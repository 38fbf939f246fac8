import { endOfString } from "../../model/canonical.ts";

/** A longer text is content, such as a photo. In characters. */
const longText = 10_000;

/**
 * The length of a JSON text without the long texts in it. Counting stops above `most`. The cost of parsing depends on the
 * structure: 24 MB of brackets are a gigabyte of arrays, but a photo is only one text.
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

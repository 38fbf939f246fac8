/** Finds any of many texts in one pass: a worker has 2 s of CPU, and a tool may answer with a megabyte. */

/** How many characters are compared together. */
const block = 3;
const tableSize = 1 << 16;
const longestSkip = 255;

/** A place in a text where one of the texts was found. */
export interface Found {
  at: number;
  length: number;
}

/**
 * Looks at the end of a window as long as the shortest text. Most blocks of three characters occur in none of the texts, and
 * then the window moves on by its length (Wu and Manber). Each text has at least three characters.
 */
export class TextFinder {
  /** Longest first. */
  readonly #texts: string[];
  readonly #window: number;
  /** How far the window may move if it ends with a block, by the block's hash. */
  readonly #skips: Uint8Array;
  /** The texts whose beginning, as long as the window, ends with a block; longest first. */
  readonly #ending = new Map<number, string[]>();
  readonly #beginning = new Map<string, string[]>();

  constructor(texts: readonly string[]) {
    this.#texts = [...texts].sort((a, b) => b.length - a.length);
    this.#window = Math.min(longestSkip, this.#texts.at(-1)?.length ?? longestSkip);
    this.#skips = new Uint8Array(tableSize).fill(this.#window - block + 1);
    for (const text of this.#texts) {
      for (let end = block - 1; end < this.#window; end++) {
        const hash = hashOf(text, end);
        this.#skips[hash] = Math.min(this.#skips[hash] ?? 0, this.#window - 1 - end);
      }
      put(this.#ending, hashOf(text, this.#window - 1), text);
      put(this.#beginning, text.charAt(0), text);
    }
  }

  /** The first match from `from` on, and the longest of those that start there. */
  find(text: string, from: number): Found | undefined {
    if (this.#texts.length === 0) return undefined;
    for (let end = from + this.#window - 1; end < text.length;) {
      const hash = hashOf(text, end);
      const skip = this.#skips[hash] ?? 1;
      if (skip > 0) {
        end += skip;
        continue;
      }
      const at = end - this.#window + 1;
      const found = this.#ending.get(hash)?.find((one) => text.startsWith(one, at));
      if (found !== undefined) return { at, length: found.length };
      end++;
    }
    return undefined;
  }

  /** The text with each match replaced by `mask`. Overlapping matches are replaced together. */
  replace(text: string, mask: string): string {
    let replaced = "";
    let done = 0;
    for (let found = this.find(text, 0); found !== undefined;) {
      let end = found.at + found.length;
      let next = this.find(text, found.at + 1);
      while (next !== undefined && next.at < end) {
        end = Math.max(end, next.at + next.length);
        next = this.find(text, next.at + 1);
      }
      replaced += text.slice(done, found.at) + mask;
      done = end;
      found = next;
    }
    return done === 0 ? text : replaced + text.slice(done);
  }

  /** From `from` on, the position where the text's end is an incomplete match; the text's length if there is none. */
  beginningAt(text: string, from: number): number {
    const longest = this.#texts[0]?.length ?? 0;
    for (let at = Math.max(from, text.length - longest + 1); at < text.length; at++) {
      const candidates = this.#beginning.get(text.charAt(at));
      if (candidates === undefined) continue;
      const end = text.slice(at);
      if (candidates.some((one) => one.length > end.length && one.startsWith(end))) return at;
    }
    return text.length;
  }
}

function put<Key>(lists: Map<Key, string[]>, key: Key, text: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [text]);
  else list.push(text);
}

/** The hash of the block that ends there. */
function hashOf(text: string, end: number): number {
  return (text.charCodeAt(end - 2) * 961 + text.charCodeAt(end - 1) * 31 + text.charCodeAt(end)) &
    (tableSize - 1);
}

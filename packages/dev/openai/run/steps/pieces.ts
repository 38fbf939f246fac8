/** A text in pieces of so many words, with their spaces, as a model streams it. */
export function pieces(text: string, words: number): string[] {
  const tokens = text.match(/\S+\s*|\s+/g) ?? [];
  const joined: string[] = [];
  for (let at = 0; at < tokens.length; at += words) {
    joined.push(tokens.slice(at, at + words).join(""));
  }
  return joined;
}

/** `count` pieces of running text. */
export function manyPieces(count: number): string[] {
  const words = "the run goes on and every word of it arrives as an event of its own".split(" ");
  return Array.from({ length: count }, (_, index) => `${words[index % words.length] ?? ""} `);
}

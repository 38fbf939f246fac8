/** What every encrypted reasoning of this stand-in starts with. */
const mark = "gAAAAAB-stand-in-";

/** An opaque string in place of OpenAI's encrypted reasoning: bound to the item's id. */
export function encryptReasoning(id: string, summary: string): string {
  return `${mark}${id}.${btoa(encodeURIComponent(summary))}`;
}

/** Whether this is an encrypted reasoning that belongs to the item. */
export function belongsTo(id: string, encrypted: string): boolean {
  return encrypted.startsWith(`${mark}${id}.`);
}

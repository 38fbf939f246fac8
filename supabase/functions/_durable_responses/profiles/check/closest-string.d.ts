/** `deno-std` contains only JavaScript. These are the functions of it that are used. */
export function closestString(given: string, known: readonly string[]): string;
export function levenshteinDistance(a: string, b: string): number;

/** `deno-std` contains only JavaScript. This is the only one of its functions that is used here. */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T>;

/** `deno-std` ships JavaScript only; this is the one function of it that is used here. */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T>;

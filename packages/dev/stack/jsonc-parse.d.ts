/** `deno-std` ships JavaScript only; this is the one function of its jsonc that is used. */
export function parse(text: string): unknown;

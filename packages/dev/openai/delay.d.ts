/** `deno-std` ships JavaScript only; this is the one function of its async that is used. */
export function delay(ms: number, options: { signal: AbortSignal }): Promise<void>;

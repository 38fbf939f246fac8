/** `deno-std` ships JavaScript only; this is the one function of it that is used. */
export function timingSafeEqual(
  a: ArrayBuffer | ArrayBufferView,
  b: ArrayBuffer | ArrayBufferView,
): boolean;

/** `deno-std` contains only JavaScript. This is the only one of its functions that is used. */
export function timingSafeEqual(
  a: ArrayBuffer | ArrayBufferView,
  b: ArrayBuffer | ArrayBufferView,
): boolean;

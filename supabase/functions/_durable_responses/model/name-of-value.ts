/**
 * What a value is, in words for a message: adopters' code may return anything. Never throws.
 * @returns such as `undefined`, `a string`, `an object`, `a ReadableStream`, `a function`
 */
export function nameOfValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = typeof value === "object" ? className(value) : typeof value;
  return `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;
}

function className(value: object): string {
  try {
    const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (tag !== "Object") return tag;
    const { constructor } = value;
    return typeof constructor === "function" && constructor !== Object && constructor.name !== ""
      ? constructor.name
      : "object";
  } catch {
    // A getter of its own threw, or it is a proxy that refuses to answer.
    return "object";
  }
}

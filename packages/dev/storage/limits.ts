/** What may be stored: names, sizes and types. */
import { failures } from "./failure.ts";

/** The platform's default: 50 MB. */
export const maxBytes = 50 * 1024 * 1024;

const keyShape = /^[\w/!\-.*'() &$@=;:+,?]+$/;
const bucketShape = /^[\w!\-.*'() &$@=;:+,?]+$/;
const units = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 } as const;

export function checkKey(key: string): void {
  if (!keyShape.test(key)) throw failures.invalidKey(key);
}

export function checkBucketName(name: string): void {
  if (!bucketShape.test(name) || name.length > 100 || name.trim() !== name) {
    throw failures.invalidBucketName();
  }
}

/** A bucket's limit in bytes; `20MB` is read too. Throws when it is above that of the project. */
export function sizeLimit(told: number | string | null | undefined): number | null {
  if (told === null || told === undefined) return null;
  const bytes = typeof told === "number" ? told : inBytes(told);
  if (bytes > maxBytes) throw failures.entityTooLarge();
  return bytes;
}

function inBytes(text: string): number {
  const { amount, unit } = /^(?<amount>\d+(?:\.\d+)?)(?<unit>gb|mb|kb|b)?$/i.exec(text)?.groups ??
    {};
  const known = Object.entries(units).find(([name]) => name === (unit ?? "b").toLowerCase());
  if (amount === undefined || known === undefined) {
    const rule = "Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B";
    throw failures.invalidRequest(rule);
  }
  return Math.floor(Number(amount) * known[1]);
}

/** @param allowed full types, or `image/*`; none means any */
export function checkType(type: string, allowed: readonly string[] | null): void {
  if (allowed === null || allowed.length === 0) return;
  const [essence = ""] = type.toLowerCase().split(";");
  const [kind] = essence.trim().split("/");
  const fits = allowed.some((each) =>
    each === "*/*" || each === "*" || each === `${kind}/*` || each.toLowerCase() === essence.trim()
  );
  if (!fits) throw failures.invalidMimeType(`mime type ${type} is not supported`);
}

import { isLong } from "./long.ts";

let count = 0;

/**
 * A test of a point at which a worker is killed. Each takes some seconds, so `npm test` runs only a twelfth of a file's
 * points, in turn one before a call and one after a call. `npm run test:long` runs all of them.
 */
export function killPointTest(name: string, test: () => Promise<void>): void {
  const place = count++ % 24;
  if (isLong || place === 0 || place === 13) Deno.test(name, test);
}

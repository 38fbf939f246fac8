import { isLong } from "./long.ts";

let count = 0;

/**
 * A test of a point at which a worker is killed. `npm test` takes a twelfth of a file's points, before one call and after another
 * in turn, as each costs some seconds; `npm run test:long` takes all.
 */
export function killPointTest(name: string, test: () => Promise<void>): void {
  const place = count++ % 24;
  if (isLong || place === 0 || place === 13) Deno.test(name, test);
}

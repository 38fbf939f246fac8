import { isLong } from "./long.ts";

let count = 0;

/**
 * A test of a point at which a worker is killed. `npm test` takes half of a file's points, those before one call and those after
 * the next, as each costs some seconds; `npm run test:long` takes all.
 */
export function killPointTest(name: string, test: () => Promise<void>): void {
  const place = count++ % 4;
  if (isLong || place === 0 || place === 3) Deno.test(name, test);
}

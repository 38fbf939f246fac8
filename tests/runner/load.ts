/** How busy the machine is. */

/** Processes that run or wait to, for each core, above which a test that only passes alone is not to blame for it. */
export const busyAbove = 3;

/** Of the last minute. */
export function loadPerCore(): number {
  const [lastMinute = 0] = Deno.loadavg();
  return lastMinute / navigator.hardwareConcurrency;
}

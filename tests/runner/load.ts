/** How busy the machine is. */

/** Above this many processes per core that run or wait to run, a test that passes only alone is not called flaky. */
export const busyAbove = 3;

/** The average of the last minute. */
export function loadPerCore(): number {
  const [lastMinute = 0] = Deno.loadavg();
  return lastMinute / navigator.hardwareConcurrency;
}

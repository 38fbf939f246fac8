/** Workers, a queue and runs, second by second: checks the calculation in docs/scaling.md. */

export interface Load {
  /** Jobs that arrive per second, at random (Poisson). */
  perSecond: number;
  /** The average length of a run, in s; half of it is fixed, and the rest exponentially distributed. */
  runS: number;
}

export interface Settings {
  /** response_settings.max_workers */
  maxWorkers: number;
  /** DURABLE_RESPONSES_CONCURRENCY: runs of a worker at a time. */
  concurrency: number;
  /** How long a worker lives, in s; Infinity for an off-platform one. */
  lifeS: number;
  /** From the wake-up to the first claim, in s. */
  bootS: number;
}

export interface Outcome {
  /** Averages over the second half, after the start. */
  workers: number;
  running: number;
  /** How long jobs of the second half waited to be claimed, in s. */
  waitP50: number;
  waitP95: number;
  /** Jobs that waited at the end. */
  backlog: number;
}

const stepS = 0.25;
const cronS = 10;

interface Worker {
  from: number;
  until: number;
  ends: number[];
}

/** What `load` needs on paper: Little's law, and a worker that cannot use its whole life because of its last run. */
export function onPaper({ perSecond, runS }: Load, { concurrency, lifeS, bootS }: Settings) {
  const running = perSecond * runS;
  const usable = 1 - (runS / 2 + bootS) / lifeS;
  return { running, workers: running / (concurrency * usable) };
}

/** Runs `load` for `forS` seconds under the rules by which workers claim, fan out, end and are woken. */
export function simulate(load: Load, settings: Settings, forS: number, seed = 1): Outcome {
  const random = randomFrom(seed);
  const queue: number[] = [];
  let head = 0;
  let workers: Worker[] = [];
  const seen = { steps: 0, workers: 0, running: 0, waits: [] as number[] };
  const boot = (now: number) =>
    workers.push({ from: now + settings.bootS, until: now + settings.lifeS, ends: [] });
  for (let now = 0; now < forS; now += stepS) {
    for (let n = poisson(load.perSecond * stepS, random); n > 0; n--) queue.push(now);
    let woken = now % cronS === 0 || workers.length === 0 ? 1 : 0;
    for (const worker of workers) {
      worker.ends = worker.ends.filter((end) => end > now);
      // A job whose run usually takes longer than this worker has left waits for another worker.
      if (now < worker.from || worker.until - now < load.runS) continue;
      const room = settings.concurrency - worker.ends.length;
      const before = head;
      while (worker.ends.length < settings.concurrency && head < queue.length) {
        if (now > forS / 2) seen.waits.push(now - (queue[head] ?? now));
        head++;
        worker.ends.push(now + runTime(load.runS, random));
      }
      // A full worker wakes another, because more jobs may be due.
      if (room > 0 && head - before === room) woken++;
    }
    workers = workers.filter(({ from, until, ends }) =>
      now < from || ends.length > 0 || (head < queue.length && until - now >= load.runS)
    );
    for (; woken > 0 && head < queue.length && workers.length < settings.maxWorkers; woken--) {
      boot(now);
    }
    if (now > forS / 2) {
      seen.steps++;
      seen.workers += workers.length;
      seen.running += workers.reduce((sum, { ends }) => sum + ends.length, 0);
    }
  }
  seen.waits.sort((a, b) => a - b);
  return {
    workers: seen.workers / seen.steps,
    running: seen.running / seen.steps,
    waitP50: seen.waits[Math.floor(seen.waits.length * 0.5)] ?? 0,
    waitP95: seen.waits[Math.floor(seen.waits.length * 0.95)] ?? 0,
    backlog: queue.length - head,
  };
}

function runTime(mean: number, random: () => number): number {
  return mean / 2 - Math.log(1 - random()) * (mean / 2);
}

/** Knuth's method, in pieces, so that e^-λ does not underflow. */
function poisson(mean: number, random: () => number): number {
  let count = 0;
  for (let left = mean; left > 0; left -= 20) {
    const limit = Math.exp(-Math.min(left, 20));
    for (let product = random(); product > limit; product *= random()) count++;
  }
  return count;
}

/** Mulberry32: the same seed, the same run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

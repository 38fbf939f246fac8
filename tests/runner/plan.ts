/** How the test files are divided among processes. */

export interface Group {
  /** Its name in the report. */
  name: string;
  files: string[];
  /** It mostly waits for a clock that no test can set, so it may run in addition to the others. */
  waits: boolean;
  /** Its files run as one module, so what they import is loaded once, and a cluster or a stack is started once. */
  together: boolean;
}

// Small enough that the processes end at about the same time, large enough that starting one (0.3 s) costs little.
const filesPerGroup = 6;

// They start one stack for all, so each of them takes less time.
const sharersPerGroup = 10;

// Each file in these folders starts whole stacks and runs for a minute.
const longAreas = ["tests/chaos", "tests/resume", "tests/e2e", "tests/console"];

// Without stacks, so none of these groups takes long.
const quickAreas = ["tests/sql", "tests/scripts", "tests/model", "tests/runner", "tests/functions"];

// Here, each test has a database of its own, and files have no state that another could see.
const togetherAreas = ["tests/sql"];

/** A file of this name waits for real time, for example for the next full minute. */
const waitingSuffix = "-waits.test.ts";

/**
 * Groups of files of one area (the folder below tests/). Waiting files come first, each in its own group, then the areas with
 * the longest files, and quick areas last, because a long group that starts late would delay the end of the run.
 * @param sharers the files that share a stack with others of their area
 */
export function planGroups(files: string[], sharers: ReadonlySet<string> = new Set()): Group[] {
  const waiting = files.filter((file) => file.endsWith(waitingSuffix));
  const others = files.filter((file) => !file.endsWith(waitingSuffix));
  const areas = Map.groupBy(others, areaOf);
  const longFirst = [...areas].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  return [
    ...waiting.map((file) => ({ name: file, files: [file], waits: true, together: false })),
    ...longFirst.flatMap(([area, members]) => {
      const isLong = longAreas.includes(area);
      const [shared, alone] = partition(members, (file) => sharers.has(file));
      return [
        ...split(`${area}, shared`, shared, { perGroup: sharersPerGroup, together: true }),
        ...split(area, alone, {
          perGroup: isLong ? 1 : filesPerGroup,
          together: togetherAreas.includes(area),
        }),
      ];
    }),
  ];
}

function split(
  name: string,
  files: string[],
  { perGroup, together }: { perGroup: number; together: boolean },
): Group[] {
  const count = Math.ceil(files.length / perGroup);
  const size = Math.ceil(files.length / count);
  return Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? name : `${name} ${index + 1}/${count}`,
    files: files.slice(index * size, (index + 1) * size),
    waits: false,
    together,
  }));
}

function partition<T>(items: T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function areaOf(file: string): string {
  return file.split("/").slice(0, 2).join("/");
}

function rank(area: string): number {
  const long = longAreas.indexOf(area);
  return long === -1 ? longAreas.length + 1 + quickAreas.indexOf(area) : long;
}

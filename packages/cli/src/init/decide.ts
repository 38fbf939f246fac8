/** What init does with one file of the release, and where it keeps what a restore replaces. */
import { hashOf } from "../project/manifest.ts";

type Decision = { kind: "put" | "same" } | {
  kind: "keep" | "conflict";
  why: string;
};

/**
 * What to do with one file.
 * @param before the current text
 * @param after the release's text
 * @param put hash of what an earlier init wrote there
 */
export function decide(
  path: string,
  before: string | undefined,
  after: string,
  put: string | undefined,
  keepChanged: boolean,
): Decision {
  if (before === undefined) return { kind: "put" };
  const there = hashOf(before);
  const next = hashOf(after);
  if (there === next) return { kind: "same" };
  if (there === put && !path.startsWith("migrations/")) return { kind: "put" };
  if (put === next) {
    return {
      kind: "keep",
      why: "changed by you; the release has no newer version",
    };
  }
  if (there === put) {
    return {
      kind: "conflict",
      why: "a released migration must not change; this release is broken",
    };
  }
  if (put === undefined) {
    return {
      kind: "conflict",
      why: "a file with this name exists that init did not create",
    };
  }
  if (keepChanged) {
    return { kind: "keep", why: "changed by you; the release has a newer version" };
  }
  return {
    kind: "conflict",
    why: "changed by you, and the release has a newer version",
  };
}

/** A name for the copy of a file that is about to be replaced: the first that is free, or has this very text. */
export async function copyName(
  path: string,
  text: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<string> {
  for (let number = 1;; number++) {
    const name = `${path}.yours${number === 1 ? "" : `-${number}`}`;
    const there = await read(name);
    if (there === undefined || there === text) return name;
  }
}

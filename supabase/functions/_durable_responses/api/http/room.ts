/**
 * Room in memory for large bodies. An isolate has 256 MB for all its requests, and a body takes about four times its size while it
 * is read and its files are stored. Whoever finds no room waits with the body unread, which costs nothing.
 */
import { after } from "../../platform/clock.ts";
import { RequestError } from "../../platform/errors.ts";
import { type BodyLimits, withFiles } from "./body.ts";

/** How much all bodies together may have, bytes. */
const roomBytes = 2 * withFiles.bytes;
/** How long a request waits for room, ms. */
const longestWaitMs = 20_000;
/** When it may come again, s. */
const laterS = 5;

let taken = 0;
/** Who waits, in the order in which they came. */
const waiting: { bytes: number; begin: () => void }[] = [];

/**
 * Does what needs a request's body in memory; what it returns must not contain the body. Room is taken by whoever reads a body
 * that is large, and given back at the end.
 * @param work is given the limits with which it reads the body
 * @throws RequestError `overloaded`
 */
export async function withRoom<T>(work: (limits: BodyLimits) => Promise<T>): Promise<T> {
  let held = 0;
  const takeRoom = async (bytes: number) => {
    await roomFor(bytes);
    held = bytes;
  };
  try {
    return await work({ ...withFiles, takeRoom });
  } finally {
    taken -= held;
    if (held > 0) admit();
  }
}

async function roomFor(bytes: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stopWaiting = after(longestWaitMs, () => {
      waiting.splice(waiting.indexOf(place), 1);
      reject(overloaded());
    });
    const place = {
      bytes,
      begin: () => {
        stopWaiting();
        resolve();
      },
    };
    waiting.push(place);
    admit();
  });
}

/** Lets in whoever is next, as long as there is room. */
function admit(): void {
  for (let next = waiting[0]; next && taken + next.bytes <= roomBytes; next = waiting[0]) {
    waiting.shift();
    taken += next.bytes;
    next.begin();
  }
}

function overloaded(): RequestError {
  return new RequestError(
    "overloaded",
    `Cannot read the body: other large ones fill the memory, and none was done within ${
      longestWaitMs / 1000
    } s`,
    {
      hint:
        "Nothing was accepted. Send the request again, or upload the file to Storage and refer to it",
      retryAfterS: laterS,
    },
  );
}

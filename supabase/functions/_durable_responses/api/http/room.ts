/**
 * Room in memory for large bodies. An isolate has 256 MB for all its requests, and a body takes about four times its size
 * while it is read and its files are stored. Without room, a request waits before it reads its body, which costs nothing.
 */
import { after } from "../../platform/clock.ts";
import { RequestError } from "../../platform/errors.ts";
import { type BodyLimits, withFiles } from "./body.ts";

/** Room for all bodies together, in bytes. */
const roomBytes = 2 * withFiles.bytes;
/** How long a request waits for room, ms. */
const longestWaitMs = 20_000;
/** When it may try again, in s. */
const laterS = 5;

let taken = 0;
/** Waiting requests, in the order in which they came. */
const waiting: { bytes: number; begin: () => void }[] = [];

/**
 * Runs work that needs a request's body in memory. A large body takes room, which is free again when the work ends, so the
 * result must not contain the body.
 * @param work gets the limits with which it must read the body
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

/** Starts waiting requests in order, as long as there is room. */
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

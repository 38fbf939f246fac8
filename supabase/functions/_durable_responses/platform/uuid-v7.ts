/** An id that is ordered by time (UUIDv7), like durable_responses.uuid_v7(): new rows share a page of the primary key. */
export function uuidV7(): string {
  const milliseconds = Date.now().toString(16).padStart(12, "0");
  // Version and variant of a random UUID, except for the digit 7.
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}

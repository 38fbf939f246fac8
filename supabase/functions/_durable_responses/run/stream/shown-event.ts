/** Events in the form that callers get. */

/** An event before it has its number. */
export type EventBody = { type: string } & Record<string, unknown>;

/** An event with its number, whole as JSON. */
export interface ShownEvent {
  number: number;
  type: string;
  json: string;
}

const typeFirst = /^\{"type":"([^"\\]+)"/;

export function shownEvent({ type, ...rest }: EventBody, number: number): ShownEvent {
  return { number, type, json: JSON.stringify({ type, sequence_number: number, ...rest }) };
}

/** A line of a stream's batch, written by `shownEvent`: its type is found without parsing it. */
export function readShownEvent(json: string, number: number): ShownEvent {
  const type = typeFirst.exec(json)?.[1];
  if (type === undefined) throw new TypeError(`Cannot read event ${number}: it has no type`);
  return { number, type, json };
}

/** One observed event. */

/** Who did it, or where it was seen. `operator` is a person with the keys of the project; `demo` is this command. */
export type Actor =
  | "caller"
  | "respond"
  | "OpenAI"
  | "openai-webhook"
  | "run-jobs"
  | "mailbox"
  | "Postgres"
  | "person"
  | "operator"
  | "demo";

/** Its kind, which determines its glyph and color. */
export type Tone = "sent" | "got" | "good" | "bad" | "wait" | "wake" | "tool" | "note";

export interface Line {
  /** When it happened, in ms since 1970. */
  at: number;
  actor: Actor;
  tone: Tone;
  text: string;
  /** Which of several jobs it is about. */
  job?: string;
}

// Made by npx durable-responses check, of profiles.ts: do not edit it, commit it.
// deno-fmt-ignore-file
// deno-lint-ignore-file

/** For createDurableResponses<Profiles>(supabase). */
export interface Profiles {
  default: { output?: never };
  mail: { output?: never };
  triage: { output: Schema<TriageOutput> };
}

/** What the client reads a profile's answer from: https://standardschema.dev */
export interface Schema<Output> {
  readonly "~standard": { readonly types?: { readonly output: Output } };
}

export type TriageOutput = {
  topic: "billing" | "support" | "sales" | "other";
  urgent: boolean;
  summary: string;
};

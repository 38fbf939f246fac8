/**
 * What `typeof profiles` of supabase/functions/_shared/profiles.ts says about answers. Only types: no server code gets into
 * a bundle.
 */
import type { Job } from "./job.ts";

/** Stands for unknown profiles: any name, any output. */
export type AnyProfiles = Record<string, unknown>;

export type ProfileName<P> = Extract<keyof P, string>;

/** The result of a schema (zod, or any other of https://standardschema.dev); null for a profile without `output`. */
export type OutputOf<Profile> = unknown extends Profile ? unknown
  : Profile extends { output: { readonly "~standard": { readonly types?: infer Types } } }
    ? NonNullable<Types> extends { readonly output: infer Output } ? Output
    : unknown
  : null;

/** A job of one of the profiles, discriminated by `profile`. */
export type JobOf<P, Name extends ProfileName<P> = ProfileName<P>> = Name extends unknown
  ? Job<OutputOf<P[Name]>, Name>
  : never;

/** The profile that is used if a query names none. */
export type DefaultProfile<P> = "default" extends ProfileName<P> ? "default"
  : ProfileName<P>;

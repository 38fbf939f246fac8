/** The SQL functions of files in Storage: 16_files.sql. */
import * as z from "../model/zod.ts";
import { call } from "./client.ts";

/** @returns the paths whose content must still be uploaded */
export const reserveFiles = (files: { path: string; bytes: number }[]) =>
  call("reserve_response_files", { p_files: files }, z.array(z.string()));

/** The files that a job refers to, and whether each is still the version that was checked. */
export const filesOf = (jobId: string) =>
  call(
    "get_response_files",
    { p_job_id: jobId },
    z.array(z.object({ bucket: z.string(), path: z.string(), current: z.boolean() })),
  );

/** @returns paths of sent files that no job refers to, for the caller to remove */
export const claimUnusedFiles = (limit: number) =>
  call("claim_unused_response_files", { p_limit: limit }, z.array(z.string()));

/** Records that they are removed. */
export const forgetFiles = (paths: string[]) =>
  call("forget_response_files", { p_paths: paths }, z.int());

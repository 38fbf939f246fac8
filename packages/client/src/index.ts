export {
  type Approval,
  type CallAnswer,
  type CallOptions,
  createDurableResponses,
  type DurableResponses,
  type DurableResponsesOptions,
  type Query,
  type Resolution,
  type Seen,
  type SubmitOptions,
  type ToolOutput,
  type WatchOptions,
} from "./client.ts";
export * from "./errors.ts";
export { type ListOptions, type Page, searchedJobs } from "./list.ts";
export type { ResultOptions } from "./result.ts";
export {
  type CompletedJob,
  isFinal,
  isPaused,
  type Job,
  type JobError,
  type JobStatus,
  jobStatuses,
  type JobSummary,
  type WaitingCall,
} from "./types/job.ts";
export type {
  AnyProfiles,
  DefaultProfile,
  JobOf,
  OutputOf,
  ProfileName,
} from "./types/profiles.ts";
export {
  type CallKind,
  isToolCall,
  type Step,
  type StepStatus,
  type ToolCall,
} from "./types/step.ts";
export type { ConnectionState, ConnectionUpdate, ListUpdate, Update } from "./types/update.ts";

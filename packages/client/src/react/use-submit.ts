/** Submits a query and follows its job, in a component. */
import { useCallback, useMemo, useRef, useState } from "react";
import type { Query, SubmitOptions } from "../client.ts";
import type { DurableResponsesError } from "../errors.ts";
import type { AnyProfiles, JobOf, ProfileName } from "../types/profiles.ts";
import { useDurableResponses } from "./context.ts";
import { type Followed, toError } from "./follower.ts";
import { type Actions, useDurableResponse } from "./use-durable-response.ts";

export interface Submit<P> {
  /** Submits a query, and follows the new job from then on. Undefined if it was refused, and `error` then says why. */
  submit(
    query: Query<ProfileName<P>>,
    options?: SubmitOptions,
  ): Promise<JobOf<P> | undefined>;
  /** The id of the job that is followed. */
  id: string | undefined;
  /** True from the submit until the query is accepted or refused. */
  submitting: boolean;
  /** Forgets the job, which continues. */
  reset(): void;
}

interface Submitted {
  id: string | undefined;
  submitting: boolean;
  error: DurableResponsesError | undefined;
}

const idle: Submitted = { id: undefined, submitting: false, error: undefined };

/** Submits queries. The state is that of the last submitted job. `retry` follows the new job. */
export function useSubmit<P = AnyProfiles>():
  & Submit<P>
  & Followed<JobOf<P>>
  & Actions<P> {
  const client = useDurableResponses<P>();
  const [submitted, setSubmitted] = useState(idle);
  // If two calls are under way, the last one counts.
  const latest = useRef(0);
  const followed = useDurableResponse<P>(submitted.id);
  const { retry: retryJob } = followed;

  const submit = useCallback<Submit<P>["submit"]>(async (query, options) => {
    const call = ++latest.current;
    const set = (next: Submitted) => {
      if (call === latest.current) setSubmitted(next);
    };
    set({ ...idle, submitting: true });
    try {
      const job: JobOf<P> = await client.submit<ProfileName<P>>(query, options);
      set({ ...idle, id: job.id });
      return job;
    } catch (error) {
      set({ ...idle, error: toError(error) });
      return undefined;
    }
  }, [client]);

  const reset = useCallback(() => {
    latest.current++;
    setSubmitted(idle);
  }, []);

  const retry = useCallback(async () => {
    const job = await retryJob();
    if (job) setSubmitted({ ...idle, id: job.id });
    return job;
  }, [retryJob]);

  return useMemo(() => ({
    ...followed,
    submit,
    reset,
    retry,
    id: submitted.id,
    submitting: submitted.submitting,
    loading: submitted.submitting || followed.loading,
    error: submitted.error ?? followed.error,
  }), [followed, submit, reset, retry, submitted]);
}

/** One job in a component. */
import { useMemo, useSyncExternalStore } from "react";
import type { Approval, Resolution, Seen } from "../client.ts";
import type { WaitingCall } from "../types/job.ts";
import type { AnyProfiles, JobOf } from "../types/profiles.ts";
import { useDurableResponses } from "./context.ts";
import { type Followed, Follower, nothing } from "./follower.ts";

/** Actions never reject: undefined means that the action failed, and `error` says why. */
export interface Actions<P> {
  cancel(): Promise<JobOf<P> | undefined>;
  /** A yes, unless `answer` says otherwise, to the call that is shown, if it is the only one. */
  approve(answer?: Approval): Promise<JobOf<P> | undefined>;
  resolve(resolution: Resolution): Promise<JobOf<P> | undefined>;
  /** Resolves with the new job. Follow its id from now on. */
  retry(): Promise<JobOf<P> | undefined>;
  /** Reads again after an error. */
  refresh(): void;
}

/**
 * Follows a job: the component re-renders with every update, and stops watching when it unmounts. Without an id it does
 * nothing.
 * @param options `text: false` for no live text
 */
export function useDurableResponse<P = AnyProfiles>(
  id: string | null | undefined,
  { text = true }: { text?: boolean } = {},
): Followed<JobOf<P>> & Actions<P> {
  const client = useDurableResponses<P>();
  const follower = useMemo(
    () => id ? new Follower<P>(client, id, text) : undefined,
    [client, id, text],
  );
  const state = useSyncExternalStore<Followed<JobOf<P>>>(
    follower?.subscribe ?? subscribeToNothing,
    follower?.snapshot ?? nothingToSee,
    // On a server nothing is watched; the browser continues from what the server rendered.
    follower?.snapshot ?? nothingToSee,
  );
  const actions = useMemo((): Actions<P> => {
    const act = async (action: (id: string) => Promise<JobOf<P>>) =>
      id ? await follower?.act(() => action(id)) : undefined;
    return {
      cancel: () => act((id) => client.cancel(id)),
      approve: (answer = { approve: true }) =>
        act((id) => client.approve(id, { ...shown(follower?.snapshot().job), ...answer })),
      resolve: (resolution) =>
        act((id) => client.resolve(id, { ...shown(follower?.snapshot().job), ...resolution })),
      retry: () => act((id) => client.retry(id)),
      refresh: () => follower?.refresh(),
    };
  }, [client, follower, id]);
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

/** The only call that this component's job shows. If there are several, the caller says which. */
function shown(job: { waiting: WaitingCall[] | null } | undefined): Seen {
  const [call, another] = job?.waiting ?? [];
  if (call === undefined || another !== undefined) return {};
  return { requestId: call.request_id, digest: call.digest ?? undefined };
}

const subscribeToNothing = () => () => {};
const nothingToSee = () => nothing;

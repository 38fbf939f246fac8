/** The client that the hooks below a provider use. */
import { createContext, createElement, type ReactNode, useContext } from "react";
import type { DurableResponses } from "../client.ts";
import { ArgumentError } from "../errors.ts";
import type { AnyProfiles } from "../types/profiles.ts";

const Context = createContext<unknown>(undefined);

export interface ProviderProps {
  /** The result of `createDurableResponses`, for any profiles. */
  client: Record<keyof DurableResponses, unknown>;
  children?: ReactNode;
}

/** Provides a client to `useDurableResponse` and `useSubmit` in the tree below. */
export function DurableResponsesProvider(
  { client, children }: ProviderProps,
): ReactNode {
  return createElement(Context.Provider, { value: client }, children);
}

/** The provider's client. `P` is the `typeof profiles` that the client was created with. */
export function useDurableResponses<P = AnyProfiles>(): DurableResponses<P> {
  const client = useContext(Context);
  if (!isClient<P>(client)) {
    throw new ArgumentError(
      "Cannot use this hook here: there is no <DurableResponsesProvider> above",
      "Wrap the app in <DurableResponsesProvider client={createDurableResponses(supabase)}>",
    );
  }
  return client;
}

function isClient<P>(value: unknown): value is DurableResponses<P> {
  return typeof value === "object" && value !== null && "submit" in value &&
    "watch" in value;
}

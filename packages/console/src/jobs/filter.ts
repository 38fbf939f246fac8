/** The filter of the list. It is in the page's address, so that a list can be bookmarked and shared. */
import { useState } from "react";
import { z } from "zod";
import type { JobFilter } from "../data/project.ts";
import { jobStatuses } from "../../../client/src/index.ts";

const statusesSchema = z.array(z.enum(jobStatuses));

export function useFilter(): [JobFilter, (filter: JobFilter) => void] {
  const [filter, setFilter] = useState(readFilter);
  return [filter, (next) => {
    setFilter(next);
    writeFilter(next);
  }];
}

export const noFilter: JobFilter = {
  statuses: [],
  profile: undefined,
  fellBack: false,
  search: "",
};

export function isFiltered({ statuses, profile, fellBack, search }: JobFilter): boolean {
  return statuses.length > 0 || profile !== undefined || fellBack || search !== "";
}

function readFilter(): JobFilter {
  const query = new URLSearchParams(location.search);
  return {
    // A mistyped address shows all jobs rather than none.
    statuses: statusesSchema.safeParse(query.getAll("status")).data ?? [],
    profile: query.get("profile") ?? undefined,
    fellBack: query.get("fallback") === "yes",
    search: query.get("q") ?? "",
  };
}

/** Puts a filter into the page's address, where the list finds it. */
export function writeFilter({ statuses, profile, fellBack, search }: JobFilter): void {
  const query = new URLSearchParams(location.search);
  for (const name of ["status", "profile", "fallback", "q"]) query.delete(name);
  for (const status of statuses) query.append("status", status);
  if (profile !== undefined) query.set("profile", profile);
  if (fellBack) query.set("fallback", "yes");
  if (search !== "") query.set("q", search);
  const text = query.size > 0 ? `?${query}` : location.pathname;
  history.replaceState(history.state, "", text + location.hash);
}

/** The filters of the list. */
import { type RefObject, useEffect, useState } from "react";
import type { JobFilter } from "../data/project.ts";
import { jobStatuses } from "../../../client/src/index.ts";
import { StatusMark, statusNames } from "../ui/status.tsx";

/** Pause between the last key and the search, in ms. */
const pauseMs = 250;

interface Props {
  filter: JobFilter;
  profiles: string[];
  search: RefObject<HTMLInputElement | null>;
  onChange(filter: JobFilter): void;
}

export function FilterBar({ filter, profiles, search, onChange }: Props) {
  const toggle = (status: JobFilter["statuses"][number]) =>
    onChange({
      ...filter,
      statuses: filter.statuses.includes(status)
        ? filter.statuses.filter((one) => one !== status)
        : [...filter.statuses, status],
    });
  return (
    <div className="filters" role="search">
      <SearchField filter={filter} field={search} onChange={onChange} />
      <div className="chips" role="group" aria-label="Status">
        {jobStatuses.map((status) => (
          <button
            key={status}
            type="button"
            className="chip"
            aria-pressed={filter.statuses.includes(status)}
            onClick={() => toggle(status)}
          >
            <StatusMark status={status} />
            {statusNames[status]}
          </button>
        ))}
        <span className="chip-gap" />
        <button
          type="button"
          className="chip"
          aria-pressed={filter.fellBack}
          onClick={() => onChange({ ...filter, fellBack: !filter.fellBack })}
        >
          Fell back
        </button>
        <label className="chip chip-select">
          <span>Profile</span>
          <select
            value={filter.profile ?? ""}
            onChange={({ target }) =>
              onChange({ ...filter, profile: target.value === "" ? undefined : target.value })}
          >
            <option value="">any</option>
            {profiles.map((profile) => <option key={profile}>{profile}</option>)}
          </select>
        </label>
      </div>
    </div>
  );
}

function SearchField(
  { filter, field, onChange }: Pick<Props, "filter" | "onChange"> & { field: Props["search"] },
) {
  const [text, setText] = useState(filter.search);
  useEffect(() => {
    if (text.trim() === filter.search) return;
    const timer = setTimeout(() => onChange({ ...filter, search: text.trim() }), pauseMs);
    return () => clearTimeout(timer);
  }, [text, filter, onChange]);
  return (
    <input
      ref={field}
      className="search"
      type="search"
      placeholder="Search queries, answers, errors, ids"
      aria-label="Search"
      aria-keyshortcuts="/"
      value={text}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        setText("");
        event.currentTarget.blur();
      }}
    />
  );
}

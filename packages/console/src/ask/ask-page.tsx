/** Asks a query, then shows the job's page. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useOpened } from "../connection/context.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";

export function AskPage() {
  const { project } = useOpened();
  const [, go] = useLocation();
  const profiles = useProfiles();
  const [profile, setProfile] = useState("default");
  const form = useRef<HTMLFormElement>(null);
  const asking = useMutation({
    mutationFn: ({ query, profile, key }: { query: string; profile: string; key: string }) =>
      project.responses.submit({ query, profile }, { idempotencyKey: key }),
    onSuccess: ({ id }) => go(`/jobs/${id}`),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const query = String(new FormData(event.currentTarget).get("query") ?? "");
    // One key for each press of the button: a retry after a lost answer asks only once.
    asking.mutate({ query, profile, key: crypto.randomUUID() });
  };
  return (
    <section className="ask">
      <h1>Ask</h1>
      <form ref={form} onSubmit={submit}>
        <fieldset className="profiles">
          <legend className="label">Profile</legend>
          {profiles.map((name) => (
            <button
              key={name}
              type="button"
              className="chip"
              aria-pressed={name === profile}
              onClick={() => setProfile(name)}
            >
              {name}
            </button>
          ))}
          <label className="chip chip-input">
            <span>Other</span>
            <input
              aria-label="Another profile"
              spellCheck={false}
              maxLength={64}
              value={profiles.includes(profile) ? "" : profile}
              onChange={({ target }) => setProfile(target.value)}
            />
          </label>
        </fieldset>
        <label className="field">
          <span className="label">Query</span>
          <textarea
            name="query"
            required
            rows={7}
            autoFocus
            placeholder="Find the latest email about the invoice and reply that it will be paid on Friday"
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                form.current?.requestSubmit();
              }
              // So that the keys of the page work again.
              if (event.key === "Escape") event.currentTarget.blur();
            }}
          />
        </label>
        <div className="ask-foot">
          <Button
            type="submit"
            look="solid"
            busy={asking.isPending}
            disabled={profile.trim() === ""}
          >
            {asking.isPending ? "Asking…" : "Ask"}
          </Button>
          <span className="soft">
            <kbd>Ctrl</kbd> <kbd>Enter</kbd>
          </span>
        </div>
        {asking.isError && (
          <FailureNotice
            error={asking.error}
            onRetry={() => asking.mutate(asking.variables)}
          />
        )}
      </form>
    </section>
  );
}

/** A browser has no key that can list profiles. These are the ones in config.js and those of recent jobs. */
function useProfiles(): string[] {
  const { project, config } = useOpened();
  const seen = useQuery({
    queryKey: ["profiles"],
    staleTime: 60_000,
    queryFn: ({ signal }) => project.activity(new Date(Date.now() - 30 * 86_400_000), 1000, signal),
  });
  const used = seen.data?.map(({ profile }) => profile) ?? [];
  return [...new Set([...config.profiles, ...used, "default"])].sort();
}

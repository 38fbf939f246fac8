/** The first page: which project, and who signs in. */
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Failure } from "../data/failure.ts";
import { Wordmark } from "../shell.tsx";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { type Connection, openWithKey, resume, signIn } from "./connect.ts";
import { OtherProject } from "./other-project.tsx";
import { projectName, useTitle } from "./project-name.ts";
import {
  forgetAsked,
  type PageConfig,
  parseSettings,
  type Projects,
  type ProjectSettings,
  readProjects,
  storeSettings,
} from "./settings.ts";

interface Props {
  config: PageConfig;
  /** Whether to resume a session that this browser still has. */
  resumes: boolean;
  onOpen(connection: Connection): void;
}

type Attempt =
  | { as: "user"; email: string; password: string }
  | { as: "key"; secretKey: string }
  | { as: "before" };

export function ConnectPage({ config, resumes, onOpen }: Props) {
  const [projects, setProjects] = useState(() => readProjects(config));
  const { asked } = projects;
  if (asked !== undefined) {
    const decide = (chosen: Omit<Projects, "asked">) => {
      forgetAsked();
      setProjects({ ...chosen, asked: undefined });
    };
    return (
      <OtherProject
        config={config}
        own={projects.own}
        asked={asked}
        onStay={() => decide(projects)}
        onOpen={() => decide({ own: asked, isFixed: false })}
      />
    );
  }
  const isOwn = projects.isFixed || config.url === undefined;
  return (
    <SignIn
      {...(isOwn && config.development && { development: config.development })}
      own={projects.own}
      name={projectName(config, projects.own)}
      isFixed={projects.isFixed}
      resumes={resumes}
      onOpen={onOpen}
    />
  );
}

interface SignInProps extends Omit<Props, "config">, Omit<Projects, "asked"> {
  /** What the page calls `own`. */
  name: string;
  /** Keys of `own`, to sign in with one click. */
  development?: NonNullable<PageConfig["development"]>;
}

function SignIn({ development, own, name, isFixed, resumes, onOpen }: SignInProps) {
  useTitle(name);
  const [given, setGiven] = useState(own);
  const [role, setRole] = useState<"user" | "key">("user");
  const opening = useMutation({
    mutationFn: (attempt: Attempt) => open(given, attempt),
    onSuccess: (connection) => connection && onOpen(connection),
  });

  const { mutate } = opening;
  // Once, even if React mounts twice: two clients would compete to refresh the same session.
  const hasTried = useRef(false);
  useEffect(() => {
    if (hasTried.current || !resumes || parseSettings(given) === undefined) return;
    hasTried.current = true;
    mutate({ as: "before" });
  }, [resumes, given, mutate]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? "");
    opening.mutate(
      role === "user"
        ? { as: "user", email: field("email"), password: field("password") }
        : { as: "key", secretKey: field("secretKey") },
    );
  };
  const isResuming = opening.isPending && opening.variables.as === "before";
  if (isResuming) return <p className="opening" role="status">Opening the project…</p>;

  return (
    <main className="connect">
      <Wordmark />
      <h1>Open a project</h1>
      {development && (
        <div className="one-click">
          <p className="soft">This is the stack on your machine.</p>
          <Button
            look="solid"
            busy={opening.isPending}
            onClick={() =>
              opening.mutate({
                as: "user",
                email: development.email,
                password: development.password,
              })}
          >
            Sign in as {development.email}
          </Button>
          <Button
            busy={opening.isPending}
            onClick={() => opening.mutate({ as: "key", secretKey: development.secretKey })}
          >
            Open with the secret key
          </Button>
        </div>
      )}
      <form onSubmit={submit}>
        {isFixed
          ? (
            <p>
              <span className="label">Project</span>
              <br />
              <b className="project-name">{name}</b>
            </p>
          )
          : <ProjectFields given={given} onChange={setGiven} />}
        <fieldset className="roles">
          <legend className="label">Open it with</legend>
          {([["user", "An account"], ["key", "The secret key, all jobs"]] as const).map((
            [value, name],
          ) => (
            <label key={value}>
              <input
                type="radio"
                name="role"
                checked={role === value}
                onChange={() => setRole(value)}
              />
              {name}
            </label>
          ))}
        </fieldset>
        {role === "user"
          ? (
            <>
              <Field label="Email" name="email" type="email" autoComplete="username" />
              <Field
                label="Password"
                name="password"
                type="password"
                autoComplete="current-password"
              />
            </>
          )
          : (
            <>
              <Field label="Secret key" name="secretKey" type="password" autoComplete="off" />
              <p className="soft">It stays in this tab's memory until you leave.</p>
            </>
          )}
        {opening.isError && (
          <FailureNotice
            error={opening.error}
            onRetry={() => opening.mutate(opening.variables)}
          />
        )}
        <Button type="submit" look={development ? "plain" : "solid"} busy={opening.isPending}>
          {opening.isPending
            ? "Opening…"
            : role === "user"
            ? "Sign in"
            : "Open with the secret key"}
        </Button>
      </form>
    </main>
  );
}

interface ProjectFieldsProps {
  given: Partial<ProjectSettings>;
  onChange(given: Partial<ProjectSettings>): void;
}

function ProjectFields({ given, onChange }: ProjectFieldsProps) {
  return (
    <>
      <Field
        label="Project URL"
        name="url"
        type="url"
        placeholder="https://<ref>.supabase.co"
        value={given.url ?? ""}
        onChange={(url) => onChange({ ...given, url })}
      />
      <Field
        label="Publishable key"
        name="publishableKey"
        placeholder="sb_publishable_…"
        value={given.publishableKey ?? ""}
        onChange={(publishableKey) => onChange({ ...given, publishableKey })}
      />
    </>
  );
}

async function open(given: Partial<ProjectSettings>, attempt: Attempt) {
  const settings = parseSettings(given);
  if (settings === undefined) {
    throw new Failure(
      "invalid_project",
      "Cannot open the project: it needs a URL and a publishable key",
      {
        hint:
          "Both are in the Supabase dashboard under Project Settings > API keys. The URL starts with https://",
      },
    );
  }
  if (attempt.as === "before") return await resume(settings);
  const connection = attempt.as === "user"
    ? await signIn(settings, attempt.email, attempt.password)
    : await openWithKey(settings, attempt.secretKey);
  storeSettings(settings);
  return connection;
}

interface FieldProps {
  label: string;
  name: string;
  type?: string;
  placeholder?: string;
  autoComplete?: string;
  value?: string;
  onChange?(value: string): void;
}

function Field({ label, onChange, ...input }: FieldProps) {
  return (
    <label className="field">
      <span className="label">{label}</span>
      <input
        required
        spellCheck={false}
        {...input}
        {...(onChange && { onChange: (event) => onChange(event.target.value) })}
      />
    </label>
  );
}

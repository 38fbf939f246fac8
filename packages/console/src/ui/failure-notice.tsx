/** A failed call: its code, what failed, what to do, and a way to try again. */
import { toFailure } from "../data/failure.ts";
import { Button } from "./button.tsx";

interface Props {
  error: unknown;
  /** Repeats the call. Without it, nothing can be repeated. */
  onRetry?: (() => void) | undefined;
  retrying?: boolean;
  /** What is still shown is older than the failed call. */
  stale?: boolean;
}

export function FailureNotice({ error, onRetry, retrying = false, stale = false }: Props) {
  const failure = toFailure(error);
  return (
    <div className="failure" role="alert">
      <div className="failure-text">
        <code className="failure-code">{failure.code}</code>
        <p>{failure.message}</p>
        {failure.hint && <p className="soft">{failure.hint}</p>}
        {failure.requestId && <p className="soft">Request {failure.requestId}</p>}
        {stale && <p className="soft">What is shown here may be out of date</p>}
      </div>
      {onRetry && <Button onClick={onRetry} busy={retrying}>Try again</Button>}
    </div>
  );
}

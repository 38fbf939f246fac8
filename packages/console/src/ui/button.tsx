import type { ButtonHTMLAttributes } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "solid" | "plain" | "quiet" | "danger";
  /** Shown while its action runs. The button cannot be pressed then. */
  busy?: boolean;
}

export function Button({ look = "plain", busy = false, className = "", ...props }: Props) {
  return (
    <button
      type="button"
      {...props}
      className={`button button-${look} ${className}`}
      disabled={props.disabled || busy}
      aria-busy={busy || undefined}
    />
  );
}

import { Component, type ReactNode } from "react";
import { FailureNotice } from "./failure-notice.tsx";

interface Props {
  children: ReactNode;
}

/** Shows an error instead of an empty page if something cannot be drawn. */
export class ErrorBoundary extends Component<Props, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <main className="connect">
        <h1>The console stopped</h1>
        <FailureNotice error={this.state.error} onRetry={() => location.reload()} />
      </main>
    );
  }
}

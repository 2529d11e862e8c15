// A page that fails (a bug, or a part that could not be loaded) says so instead of going blank.
import { Component, type ReactNode } from "react";
import { ProblemNotice } from "./problem-notice";

interface State {
  readonly error: unknown;
}

export class Boundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return <ProblemNotice error={this.state.error} retry={() => globalThis.location.reload()} />;
  }
}

import { Component, type ReactNode } from 'react';

interface PartBoundaryProps {
  /** What stands there instead. */
  fallback: ReactNode;
  children: ReactNode;
}

/** A part that breaks, or cannot be loaded while the server is away, takes nothing else with it. */
export class PartBoundary extends Component<PartBoundaryProps, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.fallback : this.props.children;
  }
}

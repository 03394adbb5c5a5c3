import { Component, type ReactNode } from 'react';
import { ProblemNotice } from '../ui/problem.notice.tsx';
import classes from './sign.in.module.css';

/** The last resort: what broke outside of any page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main className={classes['page']}>
        <h1 className={classes['title']}>The dashboard broke</h1>
        <ProblemNotice error={this.state.error} onRetry={() => location.reload()} />
      </main>
    );
  }
}

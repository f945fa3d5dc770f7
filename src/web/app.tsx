import type { JSX } from 'preact';
import { ActivityView } from './activity-view.tsx';
import { CommitBanner } from './commit-banner.tsx';
import { Confirm } from './confirm.tsx';
import { Drawer } from './drawer.tsx';
import { FailingBanner } from './failing-banner.tsx';
import { Header } from './header.tsx';
import { HeldView } from './held-view.tsx';
import { LostBar } from './lost-bar.tsx';
import { NodesView } from './nodes-view.tsx';
import { ServiceList } from './service-list.tsx';
import { SignIn } from './sign-in.tsx';
import { notice, overview, page, trouble } from './store.ts';

/** The whole page. */
export function App(): JSX.Element {
  const { view } = page.value;
  return (
    <>
      <a class="skip" href="#main">
        To the list
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {overview.value === undefined ? (
          <p class="empty">{trouble.value ?? 'Loading …'}</p>
        ) : (
          <>
            <FailingBanner />
            <CommitBanner />
            {view === 'services' && <ServiceList />}
            {view === 'nodes' && <NodesView />}
            {view === 'held' && <HeldView />}
            {view === 'activity' && <ActivityView />}
          </>
        )}
      </main>
      <Drawer />
      <Confirm />
      <SignIn />
      <LostBar />
      <Notice />
    </>
  );
}

function Notice(): JSX.Element {
  const said = notice.value;
  return (
    <div class={`notice ${said?.tone ?? ''}`} role="status" hidden={said === undefined}>
      <span>{said?.text}</span>
      <button type="button" class="plain" onClick={() => (notice.value = undefined)}>
        Dismiss
      </button>
    </div>
  );
}

import { render } from 'preact';
import { App } from './app.tsx';
import { listenToKeys } from './keyboard.ts';
import { followLive } from './live.ts';

const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
listenToKeys();
followLive();

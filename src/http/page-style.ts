import { createHash } from 'node:crypto';

/** The plain page's style sheet. It stands in the page itself, so its hash is in the policy that forbids all other inline styles. */
export const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; }
.good { color: #1a7f37; } .busy { color: #9a6700; } .bad { color: #cf222e; } .quiet { opacity: .7; }
@media (prefers-color-scheme: dark) { .good { color: #3fb950; } .busy { color: #d29922; } .bad { color: #f85149; } }
`;

const hash = createHash('sha256').update(STYLE).digest('base64');

/** Everything comes from this server, and nothing that stands in a page runs. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; script-src 'self'; style-src 'self' 'sha256-${hash}'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

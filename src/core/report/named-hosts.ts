const HOST_OF_V3 = /Host(?:SNI)?\(([^)]*)\)/gi;
const HOST_OF_V1 = /^Host:([^;]*)/i;

/** The hosts that the rules among these tags name, each once; for searching, not for judging: what a rule makes of them is not looked at. */
export function namedHosts(tags: readonly string[]): readonly string[] {
  const rules = tags.flatMap((tag) => {
    const at = tag.indexOf('.rule=');
    return at < 0 ? [] : [tag.slice(at + '.rule='.length)];
  });
  return [...new Set(rules.flatMap(hostsOf))];
}

function hostsOf(rule: string): readonly string[] {
  const [, old] = HOST_OF_V1.exec(rule) ?? [];
  const listed = old === undefined ? [...rule.matchAll(HOST_OF_V3)].map(([, hosts = '']) => hosts.replaceAll(/[`"]/g, '')) : [old];
  return listed.flatMap((hosts) => hosts.split(',')).flatMap((host) => (host.trim() === '' ? [] : [host.trim().toLowerCase()]));
}

/** The rights that the daemon needs in Consul, each by what it is about. Each is one rule of an ACL policy, or a few of one kind. */
export const CONSUL_RIGHTS = ['nodes', 'own-nodes', 'services', 'pool-keys', 'history-keys', 'own-keys', 'sessions', 'agent'] as const;

export type ConsulRight = (typeof CONSUL_RIGHTS)[number];

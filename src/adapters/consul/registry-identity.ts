/** Who we are in Consul. */
export interface RegistryIdentity {
  readonly owner: string;
  readonly cluster: string;
  /** Where our KV entries stand, without slashes at its ends. */
  readonly keyPath: string;
  /** What the names of synthetic nodes begin with, before the cluster. */
  readonly nodePrefix: string;
  /** True when Consul service names may be shared with other clusters that say so too. */
  readonly sharedService?: boolean;
}

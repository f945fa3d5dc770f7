# consul-template on every Kubernetes node that runs a Consul agent: renders what that agent registers, and reloads it.
#   consul-template -config=/etc/consul-template/consul-template.hcl
# The template reads POOLKEEPER_CLUSTER (required), POOLKEEPER_KEY_PATH and KUBERNETES_NODE_NAME from the environment.

consul {
  # The agent of this machine.
  address = "127.0.0.1:8500"

  # With ACLs: a token with the rights of README.md.
  # token_file = "/etc/consul-template/token"

  # For ever: while Consul is away the agents go on with what they have.
  retry {
    enabled     = true
    attempts    = 0
    backoff     = "250ms"
    max_backoff = "30s"
  }
}

# What a follower of the leader has may be older than what was read before; a node that poolkeeper has taken over would register
# once more. Every read is the leader's.
max_stale = "0s"

# Changes that come together make one reload.
wait {
  min = "250ms"
  max = "2s"
}

template {
  source      = "/etc/consul-template/services.ctmpl"
  destination = "/etc/consul.d/poolkeeper.json"
  perms       = 0644

  # The definitions are replaced as a whole, and unchanged ones stay registered. With ACLs this token needs agent:write.
  exec {
    command = ["consul", "reload"]
    timeout = "30s"
  }
}

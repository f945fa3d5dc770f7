# What poolkeeper may do in Consul, for `cluster: prod`, `consul.nodePrefix: k8s-` and `consul.keyPath: kubernetes`.
# `poolkeeper doctor consul --policy` prints it for any configuration, and `poolkeeper doctor consul` tells what a token lacks. Then:
#   consul acl policy create -name poolkeeper-prod -rules @policy.hcl
#   consul acl token create -description "poolkeeper prod" -policy-name poolkeeper-prod
# Take one rule away and poolkeeper says so (CONSUL_FORBIDDEN, CONSUL_FILTERED) and writes nothing; only agent_prefix is optional.

# All nodes, to see whose a node is before one of that name is written. Consul leaves out what a token may not read, and an
# answer with gaps counts as no answer.
node_prefix "" {
  policy = "read"
}

# The nodes that stand for the nodes of this cluster. A cluster whose name begins with "prod-" would share the prefix:
# poolkeeper still tells them apart by their Meta, this rule does not.
node_prefix "k8s-prod-" {
  policy = "write"
}

# A Consul service has the name of its Kubernetes Service unless told otherwise, so any name may come. Where the names are
# known, give "" only read, and write to "poolkeeper-prod" (poolkeeper's own, by which it sees that its rights are whole) and to
# each of them; `poolkeeper doctor consul --policy --exact PATH` prints that for the specs at a path:
#   service_prefix "" { policy = "read" }
#   service "poolkeeper-prod" { policy = "write" }
#   service "web" { policy = "write" }
service_prefix "" {
  policy = "write"
}

# The pools. Shared by all clusters on this Consul, as other readers of the tree expect it.
key_prefix "kubernetes/deployments/" {
  policy = "write"
}

# What was wanted and deployed of each pool, with a short history; not needed in mode `catalog`.
key_prefix "kubernetes/specifications/" {
  policy = "write"
}

# What poolkeeper remembers: the leader, pools that drain, its memory.
key_prefix "kubernetes/.poolkeeper/prod/" {
  policy = "write"
}

# Who leads. A session belongs to the agent that is asked: with the names of those agents, write
#   session "consul-server-1" { policy = "write" }
session_prefix "" {
  policy = "write"
}

# Optional: the version of Consul, and with it how much one transaction takes. Without it poolkeeper assumes the limits of
# Consul before 1.14: pools of about 56 backends instead of 120.
agent_prefix "" {
  policy = "read"
}

# What Traefik may do in Consul: read the catalog. All of it, or nothing: what a token may not read is missing from the answer
# without an error, and Traefik takes the routes away.
#   consul acl policy create -name traefik -rules @traefik.hcl
#   consul acl token create -description traefik -policy-name traefik
# Traefik 1.7 takes the token from the environment only (CONSUL_HTTP_TOKEN); Traefik 3 does so too.

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "read"
}

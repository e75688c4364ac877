# Whom varnish.vcl balances over, and who may tell it what has changed. The addresses are those of docker-compose.scale.yml:
# varnishd looks a name up only once, when it starts.

backend replica_1 {
    .host = "10.77.0.11";
    .port = "8080";
    .connect_timeout = 2s;
    .probe = ready;
}

backend replica_2 {
    .host = "10.77.0.12";
    .port = "8080";
    .connect_timeout = 2s;
    .probe = ready;
}

sub vcl_init {
    new replicas = directors.shard();
    replicas.add_backend(replica_1);
    replicas.add_backend(replica_2);
    replicas.reconfigure();
}

acl purgers {
    "10.77.0.11";
    "10.77.0.12";
}

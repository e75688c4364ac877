#!/usr/bin/env bash
# Makes what compose.sh runs: a Docker Engine in a tree of its own, and stand-ins for the four images, all of Debian 13.
#   compose_trees.sh FOLDER     Needs root, debootstrap and Debian's archive. Nothing outside of FOLDER is changed.
set -euo pipefail
folder=$1
mirror=$(grep -rhoPm1 '^(URIs: *|deb )\K\S+' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -1 || true)
mkdir -p "$folder"
cd "$folder"

# One tree for each, with these packages in it; a tree that is there is taken as it is.
tree() {
    local name=$1
    shift
    [ -e "$name/.whole" ] && return
    rm -rf "$name"
    cp -a base "$name"
    printf '#!/bin/sh\nexit 101\n' >"$name/usr/sbin/policy-rc.d" # no server starts while it is installed
    chmod 755 "$name/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$name/etc/resolv.conf"
    chroot "$name" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive chroot "$name" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    chroot "$name" apt-get clean
    touch "$name/.whole"
}

entrypoint() { # what the official image does before it starts, as far as compose.sh needs it
    cat >"$1/usr/local/bin/entrypoint"
    chmod 755 "$1/usr/local/bin/entrypoint"
}

if [ ! -e base/.whole ]; then
    rm -rf base
    debootstrap --variant=minbase --include=ca-certificates trixie base ${mirror:+"$mirror"} >debootstrap.log
    touch base/.whole
fi
tree engine docker.io docker-cli docker-compose docker-buildx iptables iproute2 curl procps
tree python python3.13 python3.13-venv python3-pip netbase tzdata
tree postgres postgresql-17 util-linux
tree valkey valkey-server valkey-tools
tree varnish varnish

for name in python python3; do ln -sf /usr/bin/python3.13 "python/usr/local/bin/$name"; done
ln -sf /usr/bin/pip3 python/usr/local/bin/pip
rm -f python/usr/lib/python3*/EXTERNALLY-MANAGED
# The certificates and the index of this machine, for the build alone.
cp /etc/ssl/certs/ca-certificates.crt python/etc/ssl/certs/ca-certificates.crt
[ ! -e /etc/pip.conf ] || cp /etc/pip.conf python/etc/pip.conf

entrypoint postgres <<'SCRIPT'
#!/bin/bash
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    install -d -o postgres -g postgres -m 2775 /var/run/postgresql
    printf %s "$POSTGRES_PASSWORD" >/tmp/password
    chown postgres /tmp/password
    as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
    as initdb -D "$PGDATA" -U "$POSTGRES_USER" --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --pwfile=/tmp/password
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    # As in the official image: a temporary server that listens on the socket alone.
    as pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    as createdb -U "$POSTGRES_USER" "$POSTGRES_DB" || true
    as pg_ctl -D "$PGDATA" -w -m fast stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c listen_addresses='*' -D "$PGDATA"
SCRIPT
entrypoint valkey <<'SCRIPT'
#!/bin/sh
exec setpriv --reuid=valkey --regid=valkey --init-groups "$@" --protected-mode no
SCRIPT
entrypoint varnish <<'SCRIPT'
#!/bin/sh
exec "$@"
SCRIPT
install -d -m 1777 varnish/var/lib/varnish/varnishd

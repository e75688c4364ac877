#!/usr/bin/env bash
# Builds the image and runs both compose files in a real Docker Engine, in namespaces of its own.
#   compose.sh FOLDER     FOLDER keeps the trees (about 3 GB), so that a second run is quicker.
# Ends with 77 and the reason where that cannot be done here. The engine has no network of the machine while anything runs,
# is one process, and ends with this script.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$(cd "$(dirname "$0")" && pwd)

cannot() {
    echo "$*"
    exit 77
}
[ "$(id -u)" = 0 ] || cannot "needs root"
command -v debootstrap >/dev/null || cannot "needs debootstrap"
unshare --mount --net true 2>/dev/null || cannot "needs mount and network namespaces"

mkdir -p "$1"
folder=$(cd "$1" && pwd)
"$here/compose_trees.sh" "$folder" >"$folder/trees.log" 2>&1 || cannot "the trees cannot be made: see $folder/trees.log"
cd "$folder"

# What is built and run: the files as they are, and a configuration.
rm -rf src
mkdir src
for name in Dockerfile .dockerignore docker-compose.yml docker-compose.scale.yml pyproject.toml constraints.txt README.md LICENSE service deploy; do
    cp -a "$root/$name" src/
done
echo "stray" >src/service/stray.pem
cat >src/gatepost.toml <<'TOML'
[sites.blog]
name = "A blog"
[[sites.blog.login]]
kind = "jwt"
algorithms = ["HS256"]
secret_env = "BLOG_JWT_SECRET"
issuer = "https://blog.example"
audience = "gatepost"
TOML
cat >src/.env <<'ENV'
BLOG_JWT_SECRET='a secret of 32 bytes or more, with $ in it'
POSTGRES_PASSWORD='q/W+e@r#T5$y=='
PURGE_SECRET='open $esame'
ENV

cat >init.sh <<'INIT'
#!/bin/bash
# In fresh namespaces: the engine's tree becomes the root, with this folder in it.
set -e
mount --make-rprivate /
mount --bind engine engine
cd engine
mkdir -p old trees src
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --bind .. trees
mount --bind ../src src
pivot_root . old
cd /
umount -l /old
ip link set lo up 2>/dev/null || true
exec "$@"
INIT
chmod +x init.sh

engine=
stop_engine() {
    [ -z "$engine" ] || { kill "$engine" 2>/dev/null && wait "$engine" 2>/dev/null; } || true
    engine=
}
trap stop_engine EXIT

start_engine() { # with these words for unshare, then those for dockerd
    local namespaces=$1
    shift
    # shellcheck disable=SC2086
    unshare $namespaces ./init.sh dockerd "$@" >"engine.log" 2>&1 &
    engine=$!
    for _ in $(seq 60); do
        inside docker version >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || break
        read -rt 1 <> <(:) || true
    done
    cannot "the engine does not start: see $folder/engine.log"
}
inside() {
    nsenter --target "$engine" --mount --net --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        sh -c 'cd /src; exec "$@"' sh "$@"
}

step() { echo "== $*"; }
fail() {
    echo "FAILED: $*"
    inside docker ps --all || true
    inside docker compose logs --tail 20 || true
    exit 1
}
wants() { # a sentence, what must be in it, and the command that says it
    local meaning=$1 expected=$2 said
    shift 2
    said=$("$@" 2>&1) || true
    case $said in
    *"$expected"*) echo "ok  $meaning" ;;
    *) fail "$meaning: wanted \"$expected\", got: $said" ;;
    esac
}
image() { # name of the tree, name of the image, its changes
    local tree=$1 name=$2
    shift 2
    tar -C "$tree" --exclude=./proc --exclude=./sys --exclude=./dev -c . | inside docker import "$@" - "$name" >/dev/null
}

step "build"
start_engine --mount --iptables=false --ip6tables=false --bridge=none
path='ENV PATH /usr/local/bin:/usr/local/sbin:/usr/bin:/bin:/usr/sbin:/sbin'
image python python:3.13-slim --change "$path"
image postgres postgres:18 --change "$path:/usr/lib/postgresql/17/bin" --change 'ENV PGDATA /var/lib/postgresql/18/docker' \
    --change 'VOLUME /var/lib/postgresql' --change 'ENTRYPOINT ["entrypoint"]' --change 'CMD ["postgres"]' --change 'STOPSIGNAL SIGINT'
image valkey valkey/valkey:9 --change "$path" --change 'VOLUME /data' --change 'WORKDIR /data' --change 'ENTRYPOINT ["entrypoint"]'
image varnish varnish:9 --change "$path" --change 'USER varnish' --change 'ENTRYPOINT ["entrypoint"]'
inside docker build --network=host --tag gatepost:0.1.0 . >build.log 2>&1 || fail "the build: $(tail -20 build.log)"
echo "# a change of the code" >>src/service/__init__.py
inside docker build --network=host --tag gatepost:0.1.0 . >build2.log 2>&1 || fail "the second build"
wants "a change of the code installs no dependency again" "CACHED" grep -A1 "install hatchling" build2.log
stop_engine

step "one process"
start_engine "--mount --net"
wants "a container without a configuration says what to mount" "mount it there: docker run" inside docker run --rm gatepost:0.1.0
wants "no stray file is in the image" "none" inside docker run --rm --entrypoint sh gatepost:0.1.0 -c 'find / -xdev -name stray.pem 2>/dev/null | grep . || echo none'
wants "it runs as 10001:10001" "uid=10001(gatepost) gid=10001(gatepost)" inside docker run --rm --entrypoint id gatepost:0.1.0
inside docker compose up --detach --wait --quiet-pull >up.log 2>&1 || fail "up: $(cat up.log)"
wants "it is healthy" "healthy" inside docker compose ps
wants "check finds no fault" "ok   trusted proxies: 10.78.0.1/32" inside docker compose exec -T gatepost gatepost check
wants "a key is made" "gp_" inside docker compose exec -T gatepost gatepost key create --name before --role moderator
wants "the host sees the port" "200" inside curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/v1/sites/blog/posts/a/comments
inside docker compose stop gatepost >/dev/null 2>&1

step "several replicas"
printf 'services: {proxy: {ulimits: {memlock: 8388608, nofile: 20000}}}\n' >src/limits.yml # those of a machine that allows less
scale() { inside docker compose --file docker-compose.scale.yml --file limits.yml "$@"; }
wants "what one process kept is moved" "Digest" scale run --rm -T move
scale up --detach --wait --remove-orphans >up.log 2>&1 || fail "up: $(cat up.log)"
wants "the key came along" "before" scale exec -T replica-1 gatepost key list
wants "the purge works, with a secret" "ok   cache purge: the cache takes it" scale exec -T replica-1 gatepost check
reader=$(scale exec -T replica-1 gatepost token --site blog --subject ada --name Ada)
moderator=$(scale exec -T replica-1 gatepost token --site blog --subject mo --role moderator)
site=http://127.0.0.1:8080/v1/sites/blog
call() { inside curl -s --max-time 20 -H "Content-Type: application/json" "$@"; }
wants "a comment waits" '"pending"' call -H "Authorization: Bearer $reader" -H "Idempotency-Key: one" -d '{"body": "Hello there."}' $site/posts/post/comments
id=$(call -H "Authorization: Bearer $moderator" $site/queue | grep -o '"id": *"[0-9a-f-]*"' | head -1 | grep -o '[0-9a-f-]\{36\}')
wants "it is approved" '"approved"' call -H "Authorization: Bearer $moderator" -d '{"action": "approve", "version": 1}' "$site/comments/$id/decisions"
for _ in $(seq 100); do
    call $site/posts/post/comments | grep -q "Hello there" && break
done
wants "the proxy shows it" "Hello there" call $site/posts/post/comments
scale down --volumes >/dev/null 2>&1
inside docker compose down --volumes >/dev/null 2>&1
wants "no volume is left" "0" sh -c 'nsenter --target '"$engine"' --mount --net --root env -i PATH=/usr/bin:/bin docker volume ls --quiet | wc -l'
stop_engine
echo "All well."

#!/usr/bin/env bash
# Runs the steps of the Dockerfile's build stage in a Debian chroot, and then the image's command, without a container engine.
#
#   tools/dockerfile_steps.sh FOLDER     as root, with debootstrap; FOLDER keeps the Debian system between runs
#
# Exits with 3 where no Debian system can be made.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$1

if [ ! -e "$ROOT/ready" ]; then
    # python:3.11-slim is Debian 12 with Python 3.11.
    { command -v debootstrap >/dev/null && debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$ROOT"; } || exit 3
    ln -sf python3 "$ROOT/usr/bin/python"
    touch "$ROOT/ready"
fi
rm -rf "$ROOT/src" "$ROOT/opt/orders"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
for file in "${PIP_CERT:-}" /etc/pip.conf; do
    if [ -n "$file" ] && [ -e "$file" ]; then cp --parents --dereference "$file" "$ROOT"; fi
done
if [ -d "${PIP_FIND_LINKS:-}" ]; then mkdir -p "$ROOT$PIP_FIND_LINKS"; cp -a "$PIP_FIND_LINKS/." "$ROOT$PIP_FIND_LINKS"; fi
mount --bind /dev "$ROOT/dev" || exit 3
trap 'umount "$ROOT/dev"' EXIT

# The build context is what .dockerignore lets through.
build_stage() { sed -n '/ AS build$/,/^$/p' Dockerfile; }
folder=/
while read -r step arguments; do
    case $step in
        FROM) ;;
        WORKDIR) folder=$arguments; mkdir -p "$ROOT$folder" ;;
        COPY)
            read -ra names <<< "$arguments"
            target=${names[-1]}
            for name in "${names[@]:0:${#names[@]}-1}"; do
                grep -qxF "!$name" .dockerignore || { echo "$name is not in the build context: .dockerignore" >&2; exit 1; }
                cp -a "$name" "$ROOT$folder/$target"
            done ;;
        RUN) chroot "$ROOT" sh -ec "cd $folder; $arguments" ;;
        *) echo "the Dockerfile has a step that this script does not know: $step" >&2; exit 1 ;;
    esac
done < <(build_stage | sed '/^$/d; /^#/d')

rm -rf "$ROOT/src"
id=$(chroot "$ROOT" sh -c 'id -u orders 2>/dev/null || { useradd --system --no-create-home orders; id -u orders; }')
chroot --userspec="$id" "$ROOT" env PATH=/opt/orders/bin:/usr/bin:/bin orders --version
# Without a database, the server must say so.
said=$(chroot --userspec="$id" "$ROOT" env PATH=/opt/orders/bin:/usr/bin:/bin ORDERS_DATABASE_URL=postgresql://127.0.0.1:1/none \
    ORDERS_OTLP_ENDPOINT=http://127.0.0.1:4317 orders serve 2>&1 || true)
case $said in "orders: the database does not answer"*) echo "$said" ;; *) echo "$said" >&2; exit 1 ;; esac

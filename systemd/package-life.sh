#!/usr/bin/env bash
# The Debian package's whole life in a clean Debian that nothing else is in: installed, started, collecting, upgraded, removed, installed
# again, purged. A container of its own (mmdebstrap, systemd-nspawn) with its own systemd and no network but its loopback.
#
#   bash systemd/package-life.sh [FOLDER]     root is needed; FOLDER keeps root.tar for the next time
#
# Needs: mmdebstrap, systemd-container, dpkg-dev, cargo-deb, and the programs of `cargo build --profile dist --workspace` in $CARGO_TARGET_DIR (default: target).
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-$(mktemp -d)}
programs=${CARGO_TARGET_DIR:-target}/dist
suite=${SUITE:-bookworm}
mkdir -p "$work"

echo "== package"
package() {
    rm -rf "$work/$1"
    cargo deb --profile dist --no-build --fast --quiet -p registry --deb-version "$1" --output "$work/$1/"
    mv "$work/$1"/*.deb "$work/$1.deb"
}
package 0.1.0-1
package 0.1.1-1
dpkg-deb --info "$work/0.1.0-1.deb"
dpkg-deb --contents "$work/0.1.0-1.deb" | awk '{print $1, $3, $6}'

echo "== clean root"
[ -e "$work/root.tar" ] || mmdebstrap --quiet --variant=apt --include=systemd,systemd-sysv,dbus,ca-certificates "$suite" "$work/root.tar"
root=$work/root
rm -rf "$root"
mkdir "$root"
tar -C "$root" -xf "$work/root.tar"
install -D -m 755 "$programs/exhibit" "$root/opt/exhibit"
install -m 644 "$work/0.1.0-1.deb" "$work/0.1.1-1.deb" "$root/opt/"
install -m 755 systemd/package-life.inside.sh "$root/opt/life"
cat > "$root/etc/systemd/system/life.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/opt/life > /opt/said 2>&1; echo $? > /opt/ended'
ExecStopPost=/bin/systemctl --no-block poweroff
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../life.service "$root/etc/systemd/system/default.target.wants/life.service"

echo "== life"
timeout 900 systemd-nspawn --quiet --directory="$root" --machine="vigie-life-$$" --register=no --keep-unit --private-network --boot \
    > "$work/console" 2>&1 < /dev/null || true
cat "$root/opt/said"
ended=$(cat "$root/opt/ended" 2>/dev/null || echo "the container did not come to its end; see $work/console")
[ "$ended" = 0 ] || { echo "error: $ended"; exit 1; }
[ $# -gt 0 ] || rm -rf "$work"
echo "the package lives as it should"

#!/bin/bash
# Inside the container: every step of the package's life, and what must be so after it.
set -euo pipefail
exec 2>&1
export DEBIAN_FRONTEND=noninteractive
fails() { echo "FAILED: $1"; journalctl --no-pager -n 60 -u 'vigie-*' -u newsrooms; systemctl --no-pager status 'vigie-*' || true; exit 1; }
must() { local what=$1; shift; "$@" > /tmp/out 2>&1 || { cat /tmp/out; fails "$what"; }; echo "  ok  $what"; }
never() { local what=$1; shift; if "$@" > /tmp/out 2>&1; then cat /tmp/out; fails "$what"; fi; echo "  ok  $what"; }
until_so() { local what=$1; shift; for _ in $(seq 300); do "$@" > /tmp/out 2>&1 && { echo "  ok  $what"; return; }; sleep 0.2; done; cat /tmp/out; fails "$what, not within a minute"; }
as_vigie() { runuser -u vigie -- vigie --unit /etc/vigie "$@"; }
active() { systemctl --quiet is-active "$1"; }
found() { as_vigie search --json --limit 1 -- '' | sed -n 's/.*"total":\([0-9]*\).*/\1/p'; }
more_than() { [ "$(found)" -gt "$1" ]; }
checkpoint() { sed -n 2p /var/lib/vigie/data/log/checkpoint; }
serves() { bash -c 'exec 3<>/dev/tcp/127.0.0.1/8600; printf "GET /readyz HTTP/1.0\r\n\r\n" >&3; grep -q "^ready" <&3'; }

echo "-- install"
apt-get install -y /opt/0.1.0-1.deb > /tmp/apt 2>&1 || { cat /tmp/apt; fails install; }
grep -A3 '^vigie:' /tmp/apt
must "the registry is enabled" systemctl --quiet is-enabled vigie-registry
never "and not started: there is no unit yet" active vigie-registry
never "which is no failure" systemctl --quiet is-failed vigie-registry
must "units are in order" systemd-analyze verify --man=no /lib/systemd/system/vigie-registry.service vigie-agent@feed.service
never "nobody but its user reads /etc/vigie" runuser -u nobody -- ls /etc/vigie

echo "-- make a unit and start"
systemd-run --quiet --unit=newsrooms -p StandardOutput=file:/opt/newsrooms /opt/exhibit --only harbour --tick 5
until_so "a newsroom on loopback" grep -q newsrooms /opt/newsrooms
url=$(grep -o '"url":"[^"]*"' /opt/newsrooms | cut -d'"' -f4)
path=$(grep -o '"feed":"[^"]*"' /opt/newsrooms | cut -d'"' -f4)
must "vigie init" runuser -u vigie -- vigie init /etc/vigie --state /var/lib/vigie --origin unit.example.org/log --contact https://unit.example.org/about \
    --requester alice.example --approver bob.example --feed https://news.example.org/feed.atom --question 'does the package work?' --yes
# A source on this machine has to be permitted by its address; asked more often than a real one, for a short trial.
sed -i -e "s|^seeds = .*|seeds = [\"$url$path\"]|" -e "s|^match = .*|match = [{ scheme = \"http\", host = \"127.0.0.1\", port = ${url##*:} }]|" \
    -e 's|^schedule = .*|schedule = "every 10s"\nallow_addresses = ["127.0.0.1/32"]|' -e 's/^jitter_secs = .*/jitter_secs = 0/' \
    -e 's/^rate_secs = .*/rate_secs = 0/' -e 's/^daily = .*/daily = 50000/' /etc/vigie/allowlist.toml
must "the first signs" as_vigie policy sign --yes --key /etc/vigie/keys/alice.example.key
must "the second signs" as_vigie policy sign --yes --key /etc/vigie/keys/bob.example.key
never "root does not fill the data folder with files of its own" vigie --unit /etc/vigie doctor
must "the registry starts" systemctl start vigie-registry
must "and answers once systemd calls it started" serves
must "an agent starts" systemctl enable --now vigie-agent@feed
until_so "records are found" more_than 0
echo "      registry: $(systemctl show -P StatusText vigie-registry)"
echo "      agent:    $(systemctl show -P StatusText vigie-agent@feed)"
held() { sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$(systemctl show -P MainPID "$1")/status"; }
for unit in vigie-registry vigie-agent@feed; do
    echo "      $unit holds $(held "$unit"); $(systemd-analyze security --no-pager "$unit" | grep -o 'Overall.*[0-9]')"
done
never "other users see no key" runuser -u nobody -- cat /etc/vigie/keys/log.key
must "keys are their owner's alone" sh -c 'test -z "$(find /etc/vigie /var/lib/vigie /var/lib/private -name "*.key" -perm /077)"'

echo "-- upgrade"
before=$(found)
log=$(checkpoint)
pid=$(systemctl show -P MainPID vigie-registry)
agent=$(systemctl show -P MainPID vigie-agent@feed)
key=$(sha256sum /etc/vigie/keys/log.key)
apt-get install -y /opt/0.1.1-1.deb > /tmp/apt 2>&1 || { cat /tmp/apt; fails upgrade; }
must "the new version is installed" dpkg-query -W -f '${Version}\n' vigie
must "the registry runs" active vigie-registry
must "as a new process" test "$(systemctl show -P MainPID vigie-registry)" != "$pid"
must "the agent too" test "$(systemctl show -P MainPID vigie-agent@feed)" != "$agent"
must "data is kept" test "$(found)" -ge "$before"
must "the log only grew" test "$(checkpoint)" -ge "$log"
must "keys are kept" test "$(sha256sum /etc/vigie/keys/log.key)" = "$key"
until_so "collecting goes on" more_than "$before"

echo "-- a command of the agent by hand"
never "not while it works" vigie-agent feed once
systemctl stop vigie-agent@feed
must "then with its key and state" vigie-agent feed once
must "and check finds all in order" vigie-agent feed check
must "the service takes its state up again" systemctl start vigie-agent@feed

echo "-- a registry that dies is started again"
pid=$(systemctl show -P MainPID vigie-registry)
kill -9 "$pid"
new_process() { active vigie-registry && [ "$(systemctl show -P MainPID vigie-registry)" != "$pid" ]; }
until_so "by its manager" new_process
echo "-- a registry that hangs is started again"
mkdir -p /run/systemd/system/vigie-registry.service.d
printf '[Service]\nWatchdogSec=3s\n' > /run/systemd/system/vigie-registry.service.d/soon.conf
systemctl daemon-reload
systemctl restart vigie-registry
pid=$(systemctl show -P MainPID vigie-registry)
kill -STOP "$pid"
until_so "by its watchdog" new_process
rm -r /run/systemd/system/vigie-registry.service.d
systemctl daemon-reload

echo "-- remove"
before=$(found)
size=$(du -sb /var/lib/vigie/data/segments | cut -f1)
apt-get remove -y vigie > /tmp/apt 2>&1 || { cat /tmp/apt; fails remove; }
never "nothing runs" pgrep -x 'vigie|vigie-feed'
never "no program is left" test -e /usr/bin/vigie
must "evidence is kept" test "$(du -sb /var/lib/vigie/data/segments | cut -f1)" -ge "$size"
must "keys are kept" test -e /etc/vigie/keys/log.key

echo "-- install again"
apt-get install -y /opt/0.1.1-1.deb > /tmp/apt 2>&1 || { cat /tmp/apt; fails "install again"; }
until_so "the registry runs" serves
must "and finds what it had" test "$(found)" -ge "$before"
must "the agent starts" systemctl start vigie-agent@feed
must "and is at work" active vigie-agent@feed
systemctl stop vigie-agent@feed vigie-registry
must "tables and truth agree, all keys are right" sh -c 'runuser -u vigie -- vigie --unit /etc/vigie doctor || true; runuser -u vigie -- vigie-verify /var/lib/vigie/data --root /etc/vigie/trust.toml; test $? = 0 -o $? = 7'
tail -3 /tmp/out | sed 's/^/      /'

echo "-- purge"
apt-get purge -y vigie > /tmp/apt 2>&1 || { cat /tmp/apt; fails purge; }
grep '^vigie:' /tmp/apt
must "evidence and keys are still kept" sh -c 'test -e /etc/vigie/keys/log.key && test -n "$(ls /var/lib/vigie/data/segments)"'
must "dpkg has forgotten it" sh -c '! dpkg-query -W vigie'
never "no link of a unit is left" sh -c 'find /etc/systemd -name "vigie*" | grep .'
never "no unit failed" sh -c 'systemctl --failed --no-legend | grep vigie'

#!/bin/sh
# The container's first process. In order, each in a run of its own: writes the configuration, makes the registration,
# runs the bridge. What has to be done in between is said; then it ends, and is to be started again.
#
# UID and GID are those of the bridge and of its files in /data (default 1337); they count when this is started as root.
set -eu

data=${DATA:-/data}
config=$data/config.yaml
registration=$data/registration.yaml
# shellcheck disable=SC3028 # it is in the environment
uid=${UID:-1337}
gid=${GID:-1337}
[ "$uid" != 0 ] || uid=1337

# as_bridge COMMAND...: in the place of this shell, so that a signal to stop reaches the bridge itself.
as_bridge() {
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
  fi
  exec "$@"
}

own() {
  if [ "$(id -u)" = 0 ]; then chown -R "$uid:$gid" "$data"; fi
}

cd "$data"
own
if [ $# -gt 0 ]; then
  as_bridge matrix-webqq "$@"
fi
if [ ! -f "$config" ]; then
  (as_bridge matrix-webqq -e -c "$config")
  echo "$config is written. Change what is marked with (!); in containers write"
  echo "  appservice.hostname: 0.0.0.0"
  echo "  appservice.address:  http://<name of this container>:29355   (not localhost: that is the homeserver's own container)"
  echo "  homeserver.address:  http://<name of the homeserver's container>:8008"
  echo "Then start this container again."
  exit 0
fi
if [ ! -f "$registration" ]; then
  (as_bridge matrix-webqq -g -c "$config" -r "$registration")
  echo "Let the homeserver read $registration, restart it, then start this container again."
  exit 0
fi
as_bridge matrix-webqq -n -c "$config"

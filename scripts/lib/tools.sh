# What the scripts have in common: the tools that they install, and the caches that they fill.
# Meant to be sourced, with the repository as the current folder.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/matrix-webqq
e2e=tests/e2e
deny_version=0.20.2
mdbook_version=0.5.4

die() { echo "$*" >&2; exit 1; }

as_root() { if [[ $EUID = 0 ]]; then "$@"; else sudo "$@"; fi; }

declare -A packages=(
  [cc]='gcc libc6-dev'
  [python]='python3 python3-venv'
  [node]='nodejs npm'
  [chromium]='chromium'
  [fonts]='fontconfig fonts-dejavu-core fonts-noto-cjk' # the conversations are in Chinese, too
  [postgres]='postgresql'
  [shellcheck]='shellcheck'
)

has() {
  case $1 in
    cc) command -v cc ;;
    python) python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' ;;
    node) command -v npm && node -e 'process.exit(+(parseInt(process.versions.node) < 18))' ;;
    chromium) [[ -n ${CHROMIUM:-} ]] || command -v chromium ;;
    fonts) fc-list :lang=zh | grep . ;;
    shellcheck) command -v shellcheck ;;
    postgres) command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' ;;
  esac >/dev/null 2>&1
}

# ensure TOOL...: installs the Debian packages of those that are missing.
ensure() {
  local tool missing=()
  for tool in "$@"; do
    # shellcheck disable=SC2206 # several words are several packages
    has "$tool" || missing+=(${packages[$tool]})
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $EUID = 0 ]] || command -v sudo >/dev/null || die "please install these Debian packages: ${missing[*]}"
  echo "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  for tool in "$@"; do has "$tool" || die "$tool is still missing"; done
}

# once NAME KEY FUNCTION: runs FUNCTION in a fresh folder $cache/NAME-KEY, once; prints the folder.
# Safe when several runs start together. A new KEY makes a new folder; the old one goes. FUNCTION must chain
# its commands with &&: it runs as a condition, where `set -e` is asleep.
once() {
  local name=$1 folder=$cache/$1-${2:0:16}
  mkdir -p "$cache"
  (
    flock 9
    [[ ! -e $folder/.complete ]] || exit 0
    echo "preparing $folder" >&2
    rm -rf "$cache/$name-"*
    mkdir "$folder"
    "$3" "$folder" >&2 && touch "$folder/.complete"
  ) 9>"$cache/$name.lock" || die "could not prepare $folder"
  echo "$folder"
}

# The Python that has Synapse and the driver of Chromium. Its name says which it is: a venv cannot be moved.
prepare_python() {
  once python "$({ python3 -VV; cat "$e2e/requirements.txt"; } | sha256sum)" make_python
}
make_python() {
  python3 -m venv "$1" &&
    "$1/bin/pip" install -q --disable-pip-version-check --progress-bar off -r "$e2e/requirements.txt"
}

# The Python that has qqbot, a WebQQ client of its time.
prepare_qqbot() {
  once qqbot "$({ python3 -VV; cat "$e2e/qqbot-client/requirements.txt"; } | sha256sum)" make_qqbot
}
make_qqbot() {
  python3 -m venv "$1" &&
    "$1/bin/pip" install -q --disable-pip-version-check --progress-bar off -r "$e2e/qqbot-client/requirements.txt"
}

# The Python that has schemathesis, which asks an API whatever its description allows, and what it does not.
prepare_schemathesis() {
  once schemathesis "$({ python3 -VV; cat "$e2e/api-requirements.txt"; } | sha256sum)" make_schemathesis
}
make_schemathesis() {
  python3 -m venv "$1" &&
    "$1/bin/pip" install -q --disable-pip-version-check --progress-bar off -r "$e2e/api-requirements.txt"
}

# Element's site, built from what its makers publish on npm. Only the site is kept.
prepare_element() {
  once element "$(cd "$e2e/element-web" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)" make_element
}
make_element() {
  cp -r "$e2e/element-web/." "$1" &&
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error && node build.mjs) &&
    rm -rf "$1/node_modules"
}

# cargo-deny, built once where it is not installed. A tool that looks and does nothing else need not be fast.
prepare_deny() {
  if command -v cargo-deny >/dev/null; then
    dirname "$(command -v cargo-deny)"
  else
    echo "$(once deny "$deny_version" make_deny)/bin"
  fi
}
make_deny() {
  CARGO_TARGET_DIR=$1/target cargo install --quiet --locked --debug --version "$deny_version" --root "$1" cargo-deny &&
    rm -rf "$1/target"
}

# mdBook, which makes the site of docs/, built once where this version of it is not installed.
prepare_mdbook() {
  if [[ $(mdbook --version 2>/dev/null) = "mdbook v$mdbook_version" ]]; then
    dirname "$(command -v mdbook)"
  else
    echo "$(once mdbook "$mdbook_version" make_mdbook)/bin"
  fi
}
make_mdbook() {
  CARGO_TARGET_DIR=$1/target cargo install --quiet --locked --debug --no-default-features --features search \
    --version "$mdbook_version" --root "$1" mdbook &&
    rm -rf "$1/target"
}

# Builds the two programs.
build_programs() {
  command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs"
  cargo build --locked --bins
}

# run_python MODULE [ARGUMENT...]: replaces this shell by one of the programs in tests/e2e.
run_python() {
  local python
  python=$(prepare_python)
  TARGET_DIR=$(target_dir) PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 exec "$python/bin/python" -m "$@"
}

# with_element MODULE [ARGUMENT...]: the same, with Element's site at hand.
with_element() {
  local site
  site=$(prepare_element)
  ELEMENT_SITE=$site/site run_python "$@"
}

# Where cargo puts what it builds, whatever the person has configured.
target_dir() {
  cargo metadata --locked --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"] + "/debug")'
}

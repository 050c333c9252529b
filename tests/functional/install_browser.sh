#!/bin/sh
# Leaves in FOLDER either `browser`, a script that runs a headless Chromium, or `reason`, the words
# in which no browser could be had: one that is installed, else Debian's package, installed where
# that is permitted and unpacked into FOLDER where it is not.
set -u
folder=$1
package=chromium-headless-shell
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -f "$folder/browser" "$folder/reason"

use() {
  printf '#!/bin/sh\n%sexec "%s" "$@"\n' "${2-}" "$1" > "$folder/browser"
  chmod +x "$folder/browser"
  if "$folder/browser" --no-sandbox --disable-gpu --headless --dump-dom about:blank \
    > "$folder/log" 2>&1; then
    exit 0
  fi
  rm "$folder/browser"
}

use_installed() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    found=$(command -v "$name") && use "$found"
  done
}

give_up() {
  echo "$1" > "$folder/reason"
  echo "no browser: $1" >&2
  exit 0
}

use_installed
command -v apt-get > /dev/null || give_up "none is installed, and there is no apt-get to get one"

if [ "$(id -u)" = 0 ]; then
  apt-get install -y -qq --no-install-recommends $package > "$folder/log" 2>&1 || {
    apt-get update -qq >> "$folder/log" 2>&1
    apt-get install -y -qq --no-install-recommends $package >> "$folder/log" 2>&1
  }
  use_installed
  give_up "apt-get cannot install $package: $(tail -n 1 "$folder/log")"
fi

# not permitted to install: the package and what it lacks, unpacked beside the project
rm -rf "$folder/debs" "$folder/root"
mkdir -p "$folder/debs/partial" "$folder/lists/partial" "$folder/root"
set -- -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder" \
  -o "Dir::Cache::archives=$folder/debs" -o Debug::NoLocking=1
apt-get "$@" update -qq > "$folder/log" 2>&1
apt-get "$@" install -s --no-install-recommends $package > "$folder/wanted" 2>> "$folder/log"
names=$(sed -n 's/^Inst \([^ ]*\).*/\1/p' "$folder/wanted")
[ -n "$names" ] || give_up "apt-get knows no $package: $(tail -n 1 "$folder/log")"
(cd "$folder/debs" && apt-get "$@" download -qq $names) >> "$folder/log" 2>&1 \
  || give_up "apt-get cannot download $package: $(tail -n 1 "$folder/log")"
for deb in "$folder"/debs/*.deb; do
  dpkg-deb -x "$deb" "$folder/root" || give_up "$deb cannot be unpacked"
done
rm -rf "$folder/debs" "$folder/lists"
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2> /dev/null || echo "$(uname -m)-linux-gnu")
libraries="$folder/root/usr/lib/$triplet:$folder/root/lib/$triplet"
libraries="$libraries:$folder/root/usr/lib/$triplet/pulseaudio"
use "$folder/root/usr/lib/chromium/$package" \
  "export LD_LIBRARY_PATH='$libraries'
"
give_up "what was unpacked does not run: $(tail -n 1 "$folder/log")"

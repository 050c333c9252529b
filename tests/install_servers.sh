#!/bin/sh
# Leaves servers for tests of remotes in FOLDER: OpenSSH's sftp-server, unpacked from Debian's
# package where it is not installed; with `azurite`, Azure's emulator from npm. Each is tried once;
# without the first paramiko's own server is used, without the second its test is skipped.
set -u
folder=$1
mkdir -p "$folder"
cd "$folder" || exit 1

for path in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh; do
  [ -x "$path/sftp-server" ] && ln -sf "$path/sftp-server" sftp-server
done
if [ ! -x sftp-server ] && command -v apt-get > /dev/null && command -v dpkg > /dev/null; then
  apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=10 download openssh-sftp-server > log 2>&1 \
    && dpkg -x openssh-sftp-server_*.deb unpacked >> log 2>&1 \
    && ln -sf unpacked/usr/lib/openssh/sftp-server sftp-server
fi
if [ "${2-}" = azurite ] && command -v npm > /dev/null; then
  npm install --no-audit --no-fund --silent azurite > log 2>&1 \
    && ln -sf node_modules/.bin/azurite-blob azurite-blob
fi
exit 0

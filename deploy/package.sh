#!/bin/sh
# Packs a commit for Azure Web App: package.sh [COMMIT] [FILE], by default HEAD into release.zip.
#
# The platform installs requirements.txt: here that is the lock without TensorFlow, which would take
# 1.6 GB more, unpacked anew at every cold start.
set -eu
cd "$(dirname "$0")/.."
commit=$(git rev-parse --verify "${1:-HEAD}^{commit}")
case ${2:-release.zip} in
  /*) file=$2 ;;
  *) file=$PWD/${2:-release.zip} ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git archive "$commit" app.py startup.sh gunicorn.conf.py requirements-serve.txt clothing |
  tar -x -C "$folder" --exclude clothing/training
cp "$folder/requirements-serve.txt" "$folder/requirements.txt"
printf '%s\n' "$commit" >"$folder/revision.txt"
rm -f "$file"
(cd "$folder" && python3 -m zipfile -c "$file" ./*)
echo "$file holds $commit."

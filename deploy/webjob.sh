#!/bin/sh
# Puts the nightly WebJob onto a Web App, or a newer one in its place: webjob.sh GROUP APP
#
# By itself and not within the package: the platform may keep a package packed, and looks for
# WebJobs in plain files. Needs `az login`.
set -eu
cd "$(dirname "$0")"
[ $# -eq 2 ] || { echo "Usage: webjob.sh RESOURCE_GROUP APP_NAME" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp schedule/nightly.sh "$folder/run.sh"
cp schedule/webjob/settings.job "$folder/"
chmod +x "$folder/run.sh"
(cd "$folder" && python3 -m zipfile -c nightly.zip run.sh settings.job)

host=$(az webapp show --resource-group "$1" --name "$2" \
  --query "hostNameSslStates[?hostType=='Repository'].name | [0]" --output tsv)
token=$(az account get-access-token --resource https://management.azure.com/ --query accessToken --output tsv)
call() {
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --config - --silent --show-error --fail-with-body --retry 5 --retry-all-errors --max-time 120 "$@"
}
call --request PUT --header "Content-Type: application/zip" \
  --header "Content-Disposition: attachment; filename=nightly.zip" \
  --data-binary "@$folder/nightly.zip" --output /dev/null "https://$host/api/triggeredwebjobs/nightly"
call "https://$host/api/triggeredwebjobs/nightly" | grep -q '"nightly"' ||
  { echo "The WebJob was uploaded, but the Web App does not list it." >&2; exit 1; }
echo "The WebJob nightly is in place: $(cat schedule/webjob/settings.job)"

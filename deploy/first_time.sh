#!/bin/sh
# After `azd provision`: makes the two keys and uploads the model, where there are none yet. Says
# what is left for a person. Needs `az login` with the same account; azd sets the variables.
set -eu
cd "$(dirname "$0")/.."
: "${AZURE_RESOURCE_GROUP:?is set by azd}" "${KEY_VAULT:?is set by azd}" "${STORAGE_ACCOUNT:?is set by azd}"
: "${SERVICE_WEB_NAME:?is set by azd}" "${SQL_DATABASE:?is set by azd}"

secret=$(mktemp)  # a file, so that no list of processes shows a key
trap 'rm -f "$secret"' EXIT

# Roles that were given a moment ago take minutes to count.
patiently() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || return 1
    echo "Not yet; again in 15 s." >&2
    sleep 15
  done
}

for name in api-key secret-key; do
  found=$(patiently az keyvault secret list --vault-name "$KEY_VAULT" --query "[?name=='$name'].name" --output tsv)
  if [ -z "$found" ]; then
    openssl rand -hex 32 | tr -d '\n' >"$secret"
    patiently az keyvault secret set --vault-name "$KEY_VAULT" --name "$name" --file "$secret" --output none
    echo "Made $name in $KEY_VAULT."
  fi
done

# Network and card are a pair: it is uploaded whole, or again.
there=$(patiently az storage blob list --account-name "$STORAGE_ACCOUNT" --container-name model \
  --auth-mode login --query "length([?name=='clothing_model.keras' || name=='clothing_model.json'])" --output tsv)
if [ "$there" -lt 2 ]; then
  az storage blob upload-batch --account-name "$STORAGE_ACCOUNT" --destination model --source model \
    --auth-mode login --overwrite --output none
  echo "Uploaded the model."
fi

# The app asked for the keys before they were there, and a restart alone may keep that answer for a day.
app=$(az webapp show --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_WEB_NAME" --query id --output tsv)
az rest --method post --url "$app/config/configreferences/appsettings/refresh?api-version=2022-03-01" --output none
az webapp restart --resource-group "$AZURE_RESOURCE_GROUP" --name "$SERVICE_WEB_NAME"
cat <<E2
Next, once, in the Azure portal: open the database $SQL_DATABASE, Query editor, sign in with Entra,
and run the scripts that docs/azure.md names, with the user [$SERVICE_WEB_NAME]. Then: azd deploy
E2

// Everything that the service needs in an empty subscription; `azd provision` makes it, docs/azure.md
// says what comes before and after.

targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; names of resources are made from it.')
param environmentName string

@description('Region, for instance westeurope.')
param location string

@description('Who runs this: becomes administrator of the database and may write containers and keys.')
param principalId string

@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Shown as the name of the database administrator.')
param principalName string = 'clothing-returns-admin'

@description('Time zone of the pages and of 23:00, for instance Europe/Berlin.')
param timeZone string = 'UTC'

@description('Plan of the Web App; the smallest that has Always On.')
param planSku string = 'B1'

@description('What the platform asks every minute. /health/ready keeps the database awake, /health/live lets it pause.')
@allowed(['/health/ready', '/health/live'])
param healthCheckPath string = '/health/ready'

@description('Subject of the GitHub workflow that deploys; empty for none. docs/azure.md says how to find it.')
param githubSubject string = ''

var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module resources 'resources.bicep' = {
  name: 'resources'
  scope: group
  params: {
    location: location
    tags: tags
    token: toLower(uniqueString(subscription().id, environmentName, location))
    principalId: principalId
    principalType: principalType
    principalName: principalName
    timeZone: timeZone
    planSku: planSku
    healthCheckPath: healthCheckPath
    githubSubject: githubSubject
  }
}

// azd keeps these in its environment; the hooks in azure.yaml read them there.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId
output SERVICE_WEB_NAME string = resources.outputs.appName
output SERVICE_URL string = resources.outputs.appUrl
output STORAGE_ACCOUNT string = resources.outputs.storageAccount
output KEY_VAULT string = resources.outputs.keyVault
output SQL_SERVER string = resources.outputs.sqlServer
output SQL_DATABASE string = resources.outputs.sqlDatabase
output DEPLOY_CLIENT_ID string = resources.outputs.deployClientId

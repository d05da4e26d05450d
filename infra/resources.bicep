// What lies in the resource group: plan and Web App, storage, database, keys, logs.

param location string
param tags object
param token string
param principalId string
param principalType string
param principalName string
param timeZone string
param planSku string
param healthCheckPath string
param githubSubject string

var roles = {
  blobReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  websiteContributor: 'de139f84-1756-47ae-9be6-808fbbe84772'
}

// Storage: the two containers; nobody has a key, only roles count.

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource images 'containers' = {
      name: 'images'
    }

    resource model 'containers' = {
      name: 'model'
    }
  }
}

resource appReadsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, app.id, roles.blobReader)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobReader)
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource adminWritesBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalId, roles.blobContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
    principalId: principalId
    principalType: principalType
  }
}

// Database: serverless, and Entra is the only way in.

resource sqlServer 'Microsoft.Sql/servers@2023-08-01' = {
  name: 'sql-${token}'
  location: location
  tags: tags
  properties: {
    minimalTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      login: principalName
      sid: principalId
      principalType: principalType == 'ServicePrincipal' ? 'Application' : principalType
      tenantId: tenant().tenantId
    }
  }

  resource azureServices 'firewallRules' = {
    name: 'AllowAllWindowsAzureIps' // this name and 0.0.0.0 stand for Azure's own services
    properties: {
      startIpAddress: '0.0.0.0'
      endIpAddress: '0.0.0.0'
    }
  }

  resource database 'databases' = {
    name: 'clothingrefund'
    location: location
    tags: tags
    sku: {
      name: 'GP_S_Gen5'
      tier: 'GeneralPurpose'
      family: 'Gen5'
      capacity: 1
    }
    properties: {
      autoPauseDelay: 60
      minCapacity: json('0.5')
      requestedBackupStorageRedundancy: 'Local'
    }
  }
}

// Keys: the app reads them through references in its settings; no value is in any template.

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
  }
}

resource appReadsKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, app.id, roles.secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.secretsUser)
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource adminWritesKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, roles.secretsOfficer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.secretsOfficer)
    principalId: principalId
    principalType: principalType
  }
}

// Logs, and a look from outside.

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

resource reachable 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'reachable-${token}'
  location: location
  tags: union(tags, { 'hidden-link:${insights.id}': 'Resource' })
  kind: 'standard'
  properties: {
    Name: 'The service answers'
    SyntheticMonitorId: 'reachable-${token}'
    Enabled: true
    Frequency: 900
    Timeout: 60
    Kind: 'standard'
    RetryEnabled: true
    Locations: [{ Id: 'emea-nl-ams-azr' }]
    Request: {
      RequestUrl: 'https://${app.properties.defaultHostName}/health/live'
      HttpVerb: 'GET'
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

// The Web App.

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'linux'
  sku: { name: planSku }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'app-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
  kind: 'app,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    siteConfig: {
      linuxFxVersion: 'PYTHON|3.13'
      appCommandLine: 'startup.sh'
      alwaysOn: true
      healthCheckPath: healthCheckPath
      http20Enabled: true
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

// What is set by hand stays: Azure replaces all settings at once, so they are read first.
module settings 'settings.bicep' = {
  name: 'settings'
  params: {
    app: app.name
    found: list('${app.id}/config/appsettings', '2024-04-01').properties
    ours: {
      STORAGE_URL: 'https://${storage.name}.blob.${environment().suffixes.storage}'
      DATABASE_URL: 'mssql+pyodbc://${sqlServer.properties.fullyQualifiedDomainName}/${sqlServer::database.name}'
      API_KEY: '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/api-key)'
      SECRET_KEY: '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/secret-key)'
      TZ: timeZone
      LOG_FORMAT: 'json'
      AZURE_TOKEN_CREDENTIALS: 'prod' // the app's own identity, and nothing that could ask a person
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      SCM_DO_BUILD_DURING_DEPLOYMENT: 'true'
      CUSTOM_REQUIREMENTSTXT_PATH: 'requirements-serve.txt' // no TensorFlow
      WEBSITE_TIME_ZONE: timeZone // of the WebJob's 23:00
      WEBSITE_WARMUP_PATH: '/health/ready'
      WEBSITE_WARMUP_STATUSES: '200'
      WEBSITES_CONTAINER_START_TIME_LIMIT: '600' // a paused database takes a minute to wake
      WEBJOBS_IDLE_TIMEOUT: '1800' // else a WebJob that waits two minutes in silence is ended
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: app
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'AppServiceConsoleLogs'
        enabled: true
      }
      {
        category: 'AppServicePlatformLogs'
        enabled: true
      }
    ]
  }
}

// Who deploys from GitHub: an identity that may do nothing but that, and has no secret.

resource deployer 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (!empty(githubSubject)) {
  name: 'id-deploy-${token}'
  location: location
  tags: tags

  resource github 'federatedIdentityCredentials' = {
    name: 'github'
    properties: {
      issuer: 'https://token.actions.githubusercontent.com'
      subject: githubSubject
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

resource deployerDeploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(githubSubject)) {
  name: guid(app.id, 'deployer', roles.websiteContributor)
  scope: app
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.websiteContributor)
    principalId: deployer!.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

output appName string = app.name
output appUrl string = 'https://${app.properties.defaultHostName}'
output storageAccount string = storage.name
output keyVault string = vault.name
output sqlServer string = sqlServer.properties.fullyQualifiedDomainName
output sqlDatabase string = sqlServer::database.name
output deployClientId string = empty(githubSubject) ? '' : deployer!.properties.clientId

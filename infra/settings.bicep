// The Web App's settings: ours, and what it has already of others.

param app string

@secure() // what somebody set by hand may be a secret, and a deployment's parameters are kept
param found object

param ours object

resource site 'Microsoft.Web/sites@2024-04-01' existing = {
  name: app

  resource settings 'config' = {
    name: 'appsettings'
    properties: union(found, ours)
  }
}

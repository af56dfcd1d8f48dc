// An OpenID provider with Entra ID's layout and claims, for tests: oidc-provider (certified) behind
// https://localhost:<port>/<tenant>/v2.0. Arguments: key.pem cert.pem. It says its port, is told
// lines of JSON, answers each with "ready", and ends when its input ends:
//   {"redirect": "https://…"}      where the archive is; before that it answers nobody
//   {"appCertificate": "…"}        beside it, in PEM: it also gives tokens to applications,
//                                  `app-secret` by the secret `archive-secret`, `app-certificate`
//                                  by an assertion that names the certificate
//   {"rotate": true}               it signs with a new key, and publishes that alone
//   {"fault": "issuer" | "nonce"}  its tokens name another issuer, or answer another question
//   {"fault": "key"}               its tokens are signed with a key that it does not publish
//   {"fault": null}                its tokens are right again
import crypto, { X509Certificate, createHash } from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import readline from 'node:readline'
import Provider, { errors } from 'oidc-provider'

// What is said is for who started this; what the library notices goes elsewhere.
const say = (text) => process.stdout.write(`${text}\n`)
console.info = console.log = console.error

const [key, cert] = process.argv.slice(2).map((path) => fs.readFileSync(path))
const tenant = '11111111-2222-3333-4444-555555555555'
const users = JSON.parse(fs.readFileSync(new URL('users.json', import.meta.url)))

let handle = (request, response) => response.writeHead(503).end()
const server = https.createServer({ key, cert }, (request, response) => handle(request, response))
server.listen(0, '127.0.0.1', () => say(server.address().port))

let redirect = null
let apps = { clients: [] }
let fault = null
let signing = newKey()
const lines = readline.createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const told = JSON.parse(line)
  if (told.redirect) redirect = told.redirect
  if (told.appCertificate) apps = applications(told.appCertificate)
  if (told.rotate) signing = newKey()
  if ('fault' in told) fault = told.fault
  else handle = provider(redirect, apps)
  say('ready')
})
lines.once('close', () => process.exit(0))

function newKey() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey, kid: crypto.randomUUID() }
}

// The same claims with the fault in them, and a signature that is right for them.
function withFault(token) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  if (fault === 'issuer') claims.iss = claims.iss.replace(tenant, '99999999-2222-3333-4444-555555555555')
  if (fault === 'nonce') claims.nonce = 'of-another-question'
  const key = fault === 'key' ? newKey() : signing
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: signing.kid })}.${part(claims)}`
  return `${signed}.${crypto.sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`
}

// Puts the fault into the answer to a code.
function spoil(response) {
  const end = response.end.bind(response)
  response.end = (body, ...more) => {
    const answer = JSON.parse(body)
    if (answer.id_token) answer.id_token = withFault(answer.id_token)
    const text = JSON.stringify(answer)
    response.setHeader('content-length', Buffer.byteLength(text))
    return end(text, ...more)
  }
}

function provider(redirect, apps) {
  const issuer = `https://localhost:${server.address().port}/${tenant}/v2.0`
  const oidc = new Provider(issuer, {
    clients: [{
      client_id: 'archive', client_secret: 'archive-secret', redirect_uris: [redirect],
      grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_post',
      post_logout_redirect_uris: [new URL(redirect).origin + '/'],
    }, ...apps.clients],
    ...apps.configuration,
    routes: {
      authorization: '/oauth2/v2.0/authorize', token: '/oauth2/v2.0/token', jwks: '/discovery/v2.0/keys',
      userinfo: '/oidc/userinfo', end_session: '/oauth2/v2.0/logout',
    },
    scopes: ['openid', 'profile', 'email'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    jwks: { keys: [{ ...signing.privateKey.export({ format: 'jwk' }), kid: signing.kid, use: 'sig', alg: 'RS256' }] },
    claims: {
      openid: ['sub', 'oid', 'tid', 'ver', 'groups', 'roles', 'hasgroups'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      email: ['email', 'xms_edov'],
    },
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false }, ...apps.features },
    findAccount: (context, id) => users[id] && {
      accountId: id,
      claims: () => ({ sub: `sub-${id}`, tid: tenant, ver: '2.0', ...users[id].claims }),
    },
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId,
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
    interactions: { url: (context, interaction) => `/${tenant}/interaction/${interaction.uid}` },
  })
  const app = oidc.callback()
  return async (request, response) => {
    const path = request.url
    if (path === '/graph/me/getMemberObjects') return groups(oidc, request, response)
    // Who is named in the hint is signed in, without a page; others write who they are.
    if (path.startsWith(`/${tenant}/interaction/`)) {
      try {
        const { params } = await oidc.interactionDetails(request, response)
        const name = request.method === 'POST' ? await written(request) : params.login_hint
        if (!name) return response.writeHead(200, { 'content-type': 'text/html' }).end(page)
        const result = users[name] ? { login: { accountId: name } } : { error: 'access_denied' }
        return await oidc.interactionFinished(request, response, result)
      } catch (error) { return response.writeHead(400).end(String(error)) }
    }
    if (!path.startsWith(`/${tenant}/`)) return response.writeHead(404).end()
    request.originalUrl = path
    request.url = path.slice(tenant.length + 1)
    if (fault && request.url.startsWith('/oauth2/v2.0/token')) spoil(response)
    if (request.url === '/v2.0/.well-known/openid-configuration') {
      request.url = request.url.slice('/v2.0'.length)
      request.originalUrl = `/${tenant}${request.url}`
    }
    app(request, response)
  }
}

const page = `<!doctype html><html lang="en"><title>Corp</title><h1>Sign in to Corp</h1>
<form method="post"><label>Account <input name="name"></label> <button>Next</button></form></html>`

async function written(request) {
  let body = ''
  for await (const piece of request) body += piece
  return new URLSearchParams(body).get('name')
}

// Microsoft Graph's answer for people in too many groups.
async function groups(oidc, request, response) {
  const bearer = (request.headers.authorization ?? '').replace('Bearer ', '')
  const token = await oidc.AccessToken.find(bearer)
  const listed = token && users[token.accountId].graph
  if (request.method !== 'POST' || !listed) return response.writeHead(403).end('{}')
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ value: listed }))
}

// Applications without people, as Entra ID serves them: one scope `<resource>/.default`, permissions
// in the claim `roles`, assertions that name their certificate.
function applications(pem) {
  const certificate = new X509Certificate(pem)
  const thumbprint = (name) => createHash(name).update(certificate.raw).digest('base64url')
  const resource = 'https://outlook.office365.com'
  const common = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] }
  return {
    clients: [
      { ...common, client_id: 'app-secret', client_secret: 'archive-secret', token_endpoint_auth_method: 'client_secret_post' },
      {
        ...common, client_id: 'app-certificate', token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...certificate.publicKey.export({ format: 'jwk' }), use: 'sig' }] },
      },
    ],
    configuration: {
      enabledJWA: { clientAuthSigningAlgValues: ['PS256', 'RS256'] },
      extraTokenClaims: (context, token) => ({ tid: tenant, appid: token.clientId, roles: ['IMAP.AccessAsApp', 'POP.AccessAsApp'] }),
      assertJwtClientAuthClaimsAndHeader: (context, claims, header) => {
        if (header['x5t#S256'] !== thumbprint('sha256') && header.x5t !== thumbprint('sha1')) {
          throw new errors.InvalidClient('AADSTS700027: the certificate of the assertion is not registered')
        }
      },
    },
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: `${resource}/.default`, audience: resource, accessTokenTTL: 3599,
          accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  }
}

// An OpenID Connect issuer: oidc-provider from the npm registry, with its own login and consent pages.
// `node issuer.mjs PORT REDIRECT`: two clients of browsers, `blog-frontend` and `other-app`, and one that may introspect.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// Installed in the folder that it is started from, not beside this file.
const installed = createRequire(`${process.cwd()}/`).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(installed));
const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const browser = (client_id) => ({
  client_id,
  application_type: "native", // so that an address of 127.0.0.1 without TLS may be returned to
  grant_types: ["authorization_code"],
  redirect_uris: [redirect],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
});

// Who asks for `gatepost` gets signed access tokens, who asks for `opaque` gets tokens that say nothing by themselves.
const formats = { "https://gatepost.example": "jwt", "https://opaque.example": "opaque" };

const provider = new Provider(issuer, {
  clients: [
    browser("blog-frontend"),
    browser("other-app"),
    { client_id: "gatepost", client_secret: process.env.CLIENT_SECRET, grant_types: [], redirect_uris: [], response_types: [] },
  ],
  claims: { profile: ["name"] },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, name: `${accountId} of the issuer` }) }),
  extraTokenClaims: (_, token) => ({
    name: `${token.accountId} of the issuer`,
    roles: token.accountId === "mo" ? ["comment-moderator"] : [],
  }),
  cookies: { keys: ["the key of an issuer that lives for one test"] },
  features: {
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, client, oneOf) => oneOf,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: "comment",
        audience: "gatepost",
        accessTokenFormat: formats[resource],
        accessTokenTTL: 600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1");

// WebAuthn options and answers as JSON (Web Authentication Level 3 §5.1), also for browsers that do not convert them.

type Json = Record<string, unknown>;

function toBytes(text: string): ArrayBuffer {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer as ArrayBuffer;
}

function toText(bytes: ArrayBuffer | null | undefined): string | undefined {
  if (!bytes) return undefined;
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

const withIds = (list: unknown) => (Array.isArray(list) ? list.map((one: Json) => ({ ...one, id: toBytes(String(one.id)) })) : undefined);

/** Whether this browser knows passkeys, here: they need a secure context. */
export const passkeysKnown = () => window.isSecureContext && 'credentials' in navigator && 'PublicKeyCredential' in window;

/** Asks for a new passkey; gives its JSON. */
export async function createPasskey(options: unknown): Promise<Json> {
  const { publicKey } = options as { publicKey: Json };
  const user = publicKey.user as Json;
  const made = (await navigator.credentials.create({
    publicKey: { ...publicKey, challenge: toBytes(String(publicKey.challenge)), user: { ...user, id: toBytes(String(user.id)) }, excludeCredentials: withIds(publicKey.excludeCredentials) } as unknown as PublicKeyCredentialCreationOptions,
  })) as PublicKeyCredential;
  const answer = made.response as AuthenticatorAttestationResponse;
  return { id: made.id, rawId: toText(made.rawId), type: made.type, extensions: made.getClientExtensionResults(), response: { clientDataJSON: toText(answer.clientDataJSON), attestationObject: toText(answer.attestationObject), transports: answer.getTransports?.() } };
}

/** Asks for a known passkey; gives its JSON. */
export async function usePasskey(options: unknown): Promise<Json> {
  const { publicKey } = options as { publicKey: Json };
  const shown = (await navigator.credentials.get({
    publicKey: { ...publicKey, challenge: toBytes(String(publicKey.challenge)), allowCredentials: withIds(publicKey.allowCredentials) } as unknown as PublicKeyCredentialRequestOptions,
  })) as PublicKeyCredential;
  const answer = shown.response as AuthenticatorAssertionResponse;
  return { id: shown.id, rawId: toText(shown.rawId), type: shown.type, extensions: shown.getClientExtensionResults(), response: { clientDataJSON: toText(answer.clientDataJSON), authenticatorData: toText(answer.authenticatorData), signature: toText(answer.signature), userHandle: toText(answer.userHandle) } };
}

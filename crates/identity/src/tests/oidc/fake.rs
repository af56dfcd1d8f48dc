use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::oidc::{Web, WebAnswer, WebBody, WebError, WebRequest};

pub const ISSUER: &str = "https://idp.test";
pub const CLIENT: &str = "archive";

/// A provider in this process.
pub struct Fake {
    inner: Mutex<Inner>,
    pub keys_asked: AtomicU32,
}

struct Inner {
    metadata: Value,
    key: EcdsaKeyPair,
    number: u32,
    token: String,
    fields: BTreeMap<String, String>,
    authorization: Option<String>,
}

fn key_pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")
}

impl Fake {
    pub fn new() -> Self {
        let inner = Inner {
            metadata: usual_metadata(),
            key: key_pair(),
            number: 1,
            token: String::new(),
            fields: BTreeMap::new(),
            authorization: None,
        };
        Self { inner: Mutex::new(inner), keys_asked: AtomicU32::new(0) }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("not poisoned")
    }

    pub fn metadata(&self, change: Value) {
        let mut metadata = usual_metadata();
        for (key, value) in change.as_object().expect("an object") {
            metadata[key] = value.clone();
        }
        self.inner().metadata = metadata;
    }

    /// What the next code is changed for.
    pub fn answer(&self, token: String) {
        self.inner().token = token;
    }

    /// Another key from now on.
    pub fn rotate(&self) {
        let mut inner = self.inner();
        inner.key = key_pair();
        inner.number += 1;
    }

    pub fn sign(&self, claims: &Value) -> String {
        let inner = self.inner();
        sign(&inner.key, &inner.number.to_string(), claims)
    }

    pub fn sign_by_stranger(&self, claims: &Value) -> String {
        sign(&key_pair(), &self.inner().number.to_string(), claims)
    }

    pub fn sign_unpublished(&self, claims: &Value) -> String {
        sign(&key_pair(), "unpublished", claims)
    }

    pub fn changed(&self, claims: &Value) -> String {
        let mut other = claims.clone();
        other["sub"] = "1-mallory".into();
        let (good, other) = (self.sign(claims), self.sign(&other));
        let [good, other] = [&good, &other].map(|text| text.split('.').collect::<Vec<_>>());
        [good[0], other[1], good[2]].join(".")
    }

    /// The fields of the last request for tokens, and its header.
    pub fn last_request(&self) -> (BTreeMap<String, String>, Option<String>) {
        let inner = self.inner();
        (inner.fields.clone(), inner.authorization.clone())
    }
}

impl Web for Fake {
    fn send(&self, request: &WebRequest<'_>) -> Result<WebAnswer, WebError> {
        let mut inner = self.inner();
        let answer = match (request.url, &request.body) {
            ("https://idp.test/.well-known/openid-configuration", None) => inner.metadata.clone(),
            ("https://idp.test/keys", None) => {
                self.keys_asked.fetch_add(1, Ordering::Relaxed);
                let point = inner.key.public_key().as_ref().to_vec();
                let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
                let kid = inner.number.to_string();
                json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid,
                    "x": part(1..33), "y": part(33..65) }] })
            }
            ("https://idp.test/token", Some(WebBody::Form(fields))) => {
                let owned = fields.iter().map(|(key, value)| ((*key).into(), (*value).into()));
                inner.fields = owned.collect();
                inner.authorization = request.authorization.map(str::to_owned);
                json!({ "id_token": inner.token, "access_token": "access" })
            }
            (other, _) => return Err(WebError(format!("nothing at {other}"))),
        };
        Ok(WebAnswer { status: 200, octets: answer.to_string().into_bytes() })
    }
}

fn usual_metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://idp.test/authorize",
        "token_endpoint": "https://idp.test/token",
        "jwks_uri": "https://idp.test/keys",
    })
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(key: &EcdsaKeyPair, kid: &str, claims: &Value) -> String {
    let header = json!({ "alg": "ES256", "kid": kid, "typ": "JWT" });
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

pub fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

pub fn by_secret(claims: &Value) -> String {
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"the client's secret");
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// A parameter of an address.
pub fn parameter(location: &str, name: &str) -> String {
    let url = url::Url::parse(location).expect("an address");
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name}")).1.into_owned()
}

pub struct PrivateKey {
    pub pem: String,
    public: Vec<u8>,
}

pub fn private_key() -> PrivateKey {
    let pair = key_pair();
    let pkcs8 = pair.to_pkcs8v1().expect("written");
    let body = STANDARD.encode(pkcs8.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    PrivateKey { pem, public: pair.public_key().as_ref().to_vec() }
}

impl PrivateKey {
    /// The claims of an assertion that this key signed.
    pub fn verify(&self, token: &str) -> Value {
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("Base64");
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public);
        key.verify(signed.as_bytes(), &signature).expect("signed by this key");
        let claims = signed.split('.').nth(1).expect("claims");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("Base64")).expect("JSON")
    }
}

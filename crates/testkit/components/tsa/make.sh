#!/bin/bash
# Makes a time-stamp authority for tests: root, issuing authority, signer, revocation lists.
#   make.sh FOLDER KEY      KEY: rsa:3072, ec:P-256, ec:P-384 … (of the signer)
# With ADDRESS (http://127.0.0.1:PORT of tsa.py) certificates say that lists and answers about their revocation
# are had there, and there are certificates for TLS: tls.pem and client.pem, each with its key, under root.pem.
# Afterwards: FOLDER/root.pem (the anchor), issuing.pem, tsa.pem, tsa.key, tsa.cnf, *.crl (DER).
# Tokens: openssl ts -reply -config FOLDER/tsa.cnf -queryfile Q -out R
set -e
mkdir -p "$1"; S=$(cd "$1" && pwd); KEY=$2
LISTS=${ADDRESS:-http://crl.example} ANSWERS=${ADDRESS:+$ADDRESS/ocsp}
new_key() { # FILE KIND
  case $2 in
    rsa:*) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"${2#rsa:}" -out "$1" 2>/dev/null ||
           openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:"${2#rsa:}" -out "$1" 2>/dev/null ;;
    ec:*) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"${2#ec:}" -pkeyopt ec_param_enc:named_curve -out "$1" ;;
    *) openssl genpkey -algorithm "$2" -out "$1" ;;
  esac
}
cat >"$S/ca.cnf" <<C
[ca]
default_ca = issuing
[root]
database = $S/root.txt
default_md = sha256
default_crl_days = 3650
crlnumber = $S/crlnumber
[issuing]
database = $S/issuing.txt
default_md = sha256
default_crl_days = 3650
crlnumber = $S/crlnumber
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:$LISTS/issuing.crl
authorityInfoAccess = OCSP;URI:${ANSWERS:-http://ocsp.example/}
[reachable]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
crlDistributionPoints = URI:$LISTS/root.crl
[tls]
subjectAltName = IP:127.0.0.1,DNS:localhost
extendedKeyUsage = serverAuth,clientAuth
[uncritical]
keyUsage = critical,digitalSignature
extendedKeyUsage = timeStamping
[manifold]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping,codeSigning
[purposeless]
keyUsage = critical,digitalSignature
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
C
certify() { # NAME SUBJECT ISSUER SECTION DAYS
  openssl req -new -key "$S/$1.key" -subj "$2" -out "$S/$1.csr"
  openssl x509 -req -in "$S/$1.csr" -CA "$S/$3.pem" -CAkey "$S/$3.key" -set_serial "0x$(openssl rand -hex 8)" \
    -days "$5" -sha256 -extfile "$S/ca.cnf" -extensions "$4" -out "$S/$1.pem" 2>/dev/null
}
if [ "${KEY#next:}" != "$KEY" ]; then # another signer under the same authority
  new_key "$S/tsa.key" "${KEY#next:}"
  certify tsa "/C=DE/O=Test Trust/CN=Test Stamps" issuing signer 3650
elif [ "$KEY" != signer ]; then
  : >"$S/root.txt"; : >"$S/issuing.txt"; echo 01 >"$S/crlnumber"; echo 01 >"$S/serial"
  new_key "$S/root.key" ec:P-384
  openssl req -x509 -new -key "$S/root.key" -subj "/C=DE/O=Test Trust/CN=Test Root" -days 14600 -sha256 \
    -config "$S/ca.cnf" -extensions authority -out "$S/root.pem" 2>/dev/null ||
  openssl req -x509 -new -key "$S/root.key" -subj "/C=DE/O=Test Trust/CN=Test Root" -days 14600 -sha256 -out "$S/root.pem"
  new_key "$S/issuing.key" ec:P-256
  certify issuing "/C=DE/O=Test Trust/CN=Test Issuing" root "$([ -n "$ADDRESS" ] && echo reachable || echo authority)" 14000
  new_key "$S/tsa.key" "$KEY"
  certify tsa "/C=DE/O=Test Trust/CN=Test Stamps" issuing signer 3650
  cat "$S/issuing.pem" >"$S/chain.pem"
  if [ -n "$ADDRESS" ]; then
    # What the responder knows of the signer: it is valid.
    serial=$(openssl x509 -noout -serial -in "$S/tsa.pem"); serial=${serial#serial=}
    printf 'V\t360101000000Z\t\t%s\tunknown\t/C=DE/O=Test Trust/CN=Test Stamps\n' "$serial" >"$S/ocsp.txt"
    for name in tls client; do
      new_key "$S/$name.key" ec:P-256
      certify $name "/C=DE/O=Test Trust/CN=$name" root tls 3650
      cat "$S/$name.key" "$S/$name.pem" >"$S/$name.both"
    done
  fi
  openssl ca -config "$S/ca.cnf" -name root -gencrl -cert "$S/root.pem" -keyfile "$S/root.key" -out "$S/root.crl.pem" 2>/dev/null
  openssl crl -in "$S/root.crl.pem" -outform DER -out "$S/root.crl"
  openssl ca -config "$S/ca.cnf" -name issuing -gencrl -cert "$S/issuing.pem" -keyfile "$S/issuing.key" -out "$S/issuing.crl.pem" 2>/dev/null
  openssl crl -in "$S/issuing.crl.pem" -outform DER -out "$S/issuing.crl"
  cat >"$S/tsa.cnf" <<C
[tsa]
default_tsa = one
[one]
serial = $S/serial
crypto_device = builtin
signer_cert = $S/tsa.pem
certs = $S/chain.pem
signer_key = $S/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
C
fi

package wire

import "strconv"

// A SigType is the type of a signing key and its signatures. ("Key Certificates"
// of the specification; the lengths are those of SigningPublicKey,
// SigningPrivateKey and Signature.)
type SigType uint16

// The signature types that have lengths. Types 9 and 10 are reserved by proposal
// 134, 12 to 20 by proposal 169, which leaves their lengths open.
const (
	SigDSASHA1       SigType = 0
	SigECDSAP256     SigType = 1
	SigECDSAP384     SigType = 2
	SigECDSAP521     SigType = 3
	SigRSA2048       SigType = 4
	SigRSA3072       SigType = 5
	SigRSA4096       SigType = 6
	SigEd25519       SigType = 7
	SigEd25519ph     SigType = 8
	SigGOSTCryptoPro SigType = 9
	SigGOSTTC26      SigType = 10
	SigRedDSAEd25519 SigType = 11
	sigTypes                 = 12
)

type sigLengths struct {
	name                    string
	public, private, signed int
}

var sigTable = [sigTypes]sigLengths{
	SigDSASHA1:       {"DSA_SHA1", 128, 20, 40},
	SigECDSAP256:     {"ECDSA_SHA256_P256", 64, 32, 64},
	SigECDSAP384:     {"ECDSA_SHA384_P384", 96, 48, 96},
	SigECDSAP521:     {"ECDSA_SHA512_P521", 132, 66, 132},
	SigRSA2048:       {"RSA_SHA256_2048", 256, 512, 256},
	SigRSA3072:       {"RSA_SHA384_3072", 384, 768, 384},
	SigRSA4096:       {"RSA_SHA512_4096", 512, 1024, 512},
	SigEd25519:       {"EdDSA_SHA512_Ed25519", 32, 32, 64},
	SigEd25519ph:     {"EdDSA_SHA512_Ed25519ph", 32, 32, 64},
	SigGOSTCryptoPro: {"GOSTR3410_GOSTR3411_256_CRYPTO_PRO_A", 64, 32, 64},
	SigGOSTTC26:      {"GOSTR3410_GOSTR3411_512_TC26_A", 128, 64, 128},
	SigRedDSAEd25519: {"RedDSA_SHA512_Ed25519", 32, 32, 64},
}

// PublicKeyLen returns the length of a public key, false if the type is unknown.
func (t SigType) PublicKeyLen() (n int, ok bool) {
	if t >= sigTypes {
		return 0, false
	}
	return sigTable[t].public, true
}

// PrivateKeyLen returns the length of a private key, false if the type is unknown.
func (t SigType) PrivateKeyLen() (n int, ok bool) {
	if t >= sigTypes {
		return 0, false
	}
	return sigTable[t].private, true
}

// SignatureLen returns the length of a signature, false if the type is unknown.
func (t SigType) SignatureLen() (n int, ok bool) {
	if t >= sigTypes {
		return 0, false
	}
	return sigTable[t].signed, true
}

// String returns the specification's name of t.
func (t SigType) String() string {
	if t >= sigTypes {
		return "signature type " + strconv.Itoa(int(t))
	}
	return sigTable[t].name
}

// An EncType is the type of an encryption key. ("Key Certificates" of the
// specification; the lengths are those of PublicKey and PrivateKey.)
type EncType uint16

// The encryption types that have lengths. A lease set's hybrid keys hold only
// their X25519 part; the ML-KEM keys are sent in handshakes.
const (
	EncElGamal         EncType = 0
	EncP256            EncType = 1
	EncP384            EncType = 2
	EncP521            EncType = 3
	EncX25519          EncType = 4
	EncMLKEM512X25519  EncType = 5
	EncMLKEM768X25519  EncType = 6
	EncMLKEM1024X25519 EncType = 7
	encTypes                   = 8
)

type encLengths struct {
	name            string
	public, private int
}

var encTable = [encTypes]encLengths{
	EncElGamal:         {"ElGamal", 256, 256},
	EncP256:            {"P256", 64, 32},
	EncP384:            {"P384", 96, 48},
	EncP521:            {"P521", 132, 66},
	EncX25519:          {"X25519", 32, 32},
	EncMLKEM512X25519:  {"MLKEM512_X25519", 32, 32},
	EncMLKEM768X25519:  {"MLKEM768_X25519", 32, 32},
	EncMLKEM1024X25519: {"MLKEM1024_X25519", 32, 32},
}

// PublicKeyLen returns the length of a public key, false if the type is unknown.
func (t EncType) PublicKeyLen() (n int, ok bool) {
	if t >= encTypes {
		return 0, false
	}
	return encTable[t].public, true
}

// PrivateKeyLen returns the length of a private key, false if the type is unknown.
func (t EncType) PrivateKeyLen() (n int, ok bool) {
	if t >= encTypes {
		return 0, false
	}
	return encTable[t].private, true
}

// String returns the specification's name of t.
func (t EncType) String() string {
	if t >= encTypes {
		return "encryption type " + strconv.Itoa(int(t))
	}
	return encTable[t].name
}

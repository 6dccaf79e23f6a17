package wire

import (
	"bytes"
	"io"
	"slices"
)

// A PrivateKeyFile is the file in which Java I2P and i2pd keep a Destination and
// its private keys (proposal 123, "Private Key File Changes Required"): the Destination, the
// private encryption key, the private signing key, and, if the latter is all
// zeros, an OfflineSignature and the private transient key. Lengths follow from the
// types in the Destination.
type PrivateKeyFile struct {
	Destination Destination
	// EncryptionKey is not used, as the Destination's encryption key is not: Java
	// writes zeros and i2pd random bytes.
	EncryptionKey []byte
	// SigningKey is all zeros if the key is kept elsewhere, and Offline used.
	SigningKey []byte
	Offline    OfflineKey
}

// An OfflineKey is what a PrivateKeyFile has in place of the signing key.
type OfflineKey struct {
	Signature  OfflineSignature
	SigningKey []byte // the private transient key
}

// ParsePrivateKeyFile parses a PrivateKeyFile. A file of i2pd or Java I2P has no
// further bytes.
func ParsePrivateKeyFile(b []byte) (f PrivateKeyFile, rest []byte, err error) {
	r := reader{b: b}
	f.Destination = readDestination(&r)
	if r.err != nil {
		return parsed(&r, f)
	}
	sig, enc := f.Destination.SigType(), f.Destination.EncType()
	n, _ := enc.PrivateKeyLen() // the Destination has no unknown types
	f.EncryptionKey = r.take("PrivateKeyFile", "encryption key", n)
	n, _ = sig.PrivateKeyLen()
	f.SigningKey = r.take("PrivateKeyFile", "signing key", n)
	if f.IsOffline() {
		f.Offline.Signature = readOfflineSignature(&r, sig)
		n, _ = f.Offline.Signature.Transient.Type.PrivateKeyLen()
		f.Offline.SigningKey = r.take("PrivateKeyFile", "transient signing key", n)
	}
	return parsed(&r, f)
}

// IsOffline reports whether the Destination's signing key is kept elsewhere.
func (f PrivateKeyFile) IsOffline() bool {
	return !slices.ContainsFunc(f.SigningKey, func(c byte) bool { return c != 0 })
}

// Append appends the encoding of f.
func (f PrivateKeyFile) Append(dst []byte) ([]byte, error) {
	sig, enc := f.Destination.SigType(), f.Destination.EncType()
	if f.Destination.Len() == 0 {
		return nil, invalid("PrivateKeyFile", "destination", ErrLength)
	}
	if n, _ := enc.PrivateKeyLen(); len(f.EncryptionKey) != n {
		return nil, invalid("PrivateKeyFile", "encryption key", ErrLength)
	}
	if n, _ := sig.PrivateKeyLen(); len(f.SigningKey) != n {
		return nil, invalid("PrivateKeyFile", "signing key", ErrLength)
	}
	if f.IsOffline() {
		if err := f.Offline.Signature.check(sig); err != nil {
			return nil, err
		}
		if n, _ := f.Offline.Signature.Transient.Type.PrivateKeyLen(); len(f.Offline.SigningKey) != n {
			return nil, invalid("PrivateKeyFile", "transient signing key", ErrLength)
		}
	}
	dst = f.Destination.Append(dst)
	dst = append(dst, f.EncryptionKey...)
	dst = append(dst, f.SigningKey...)
	if f.IsOffline() {
		dst = f.Offline.Signature.Append(dst)
		dst = append(dst, f.Offline.SigningKey...)
	}
	return dst, nil
}

// Signer returns the key to sign lease sets and sessions with: the Destination's,
// or the transient one. It is an error if it does not belong to its public key, or
// if the Destination did not sign the transient key.
func (f PrivateKeyFile) Signer() (SigningPrivateKey, error) {
	public, private := f.Destination.SigningKey(), f.SigningKey
	if f.IsOffline() {
		if err := f.Offline.Signature.Verify(public); err != nil {
			return SigningPrivateKey{}, err
		}
		public, private = f.Offline.Signature.Transient, f.Offline.SigningKey
	}
	k, err := NewSigningPrivateKey(public.Type, private)
	if err != nil {
		return SigningPrivateKey{}, err
	}
	if !k.Public().Equal(public) {
		return SigningPrivateKey{}, invalid("PrivateKeyFile", "signing key", ErrKeyMismatch)
	}
	return k, nil
}

// NewPrivateKeyFile makes a Destination with an Ed25519 key out of 64 bytes of
// random, which must be unpredictable.
func NewPrivateKeyFile(random io.Reader) (PrivateKeyFile, error) {
	var b [64]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return PrivateKeyFile{}, err
	}
	if [32]byte(b[:]) == [32]byte{} {
		return PrivateKeyFile{}, invalid("PrivateKeyFile", "signing key", ErrValue) // it would stand for an offline key
	}
	k, err := NewSigningPrivateKey(SigEd25519, b[:32])
	if err != nil {
		return PrivateKeyFile{}, err
	}
	d, err := NewDestination(k.Public(), [32]byte(b[32:]))
	if err != nil {
		return PrivateKeyFile{}, err
	}
	n, _ := d.EncType().PrivateKeyLen()
	return PrivateKeyFile{
		Destination:   d,
		EncryptionKey: make([]byte, n),
		SigningKey:    bytes.Clone(b[:32]),
	}, nil
}

// WithTransientKey returns a file for the same Destination without its signing
// key, but with a transient Ed25519 key that may sign until expires. The key is
// made out of 32 bytes of random, which must be unpredictable.
func (f PrivateKeyFile) WithTransientKey(expires Seconds, random io.Reader) (PrivateKeyFile, error) {
	if f.IsOffline() {
		return PrivateKeyFile{}, invalid("PrivateKeyFile", "signing key", ErrKeyMismatch)
	}
	k, err := f.Signer()
	if err != nil {
		return PrivateKeyFile{}, err
	}
	seed := make([]byte, 32)
	if _, err := io.ReadFull(random, seed); err != nil {
		return PrivateKeyFile{}, err
	}
	transient, err := NewSigningPrivateKey(SigEd25519, seed)
	if err != nil {
		return PrivateKeyFile{}, err
	}
	f.SigningKey = make([]byte, len(f.SigningKey))
	f.Offline = OfflineKey{NewOfflineSignature(k, transient.Public(), expires), seed}
	return f, nil
}

// Clone returns a copy of f that borrows nothing.
func (f PrivateKeyFile) Clone() PrivateKeyFile {
	return PrivateKeyFile{
		Destination:   f.Destination.Clone(),
		EncryptionKey: bytes.Clone(f.EncryptionKey),
		SigningKey:    bytes.Clone(f.SigningKey),
		Offline:       OfflineKey{f.Offline.Signature.Clone(), bytes.Clone(f.Offline.SigningKey)},
	}
}

// String returns the address of the Destination; it hides the keys from logs and
// error messages.
func (f PrivateKeyFile) String() string { return "PrivateKeyFile(" + f.Destination.B32() + ")" }

// GoString hides the keys from logs and error messages.
func (f PrivateKeyFile) GoString() string { return f.String() }

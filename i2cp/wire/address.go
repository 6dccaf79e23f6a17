package wire

import (
	"encoding/base32"
	"hash/crc32"
	"strings"
)

// Addresses: host names that end in .b32.i2p
// (https://i2p.net/docs/overview/naming, "Base32 Names", and
// https://i2p.net/docs/specs/b32encrypted).

const (
	b32Suffix = ".b32.i2p"
	// A hash has 52 characters; an address of 56 or more is of the kind that
	// names an encrypted lease set.
	b32HashLen     = 52
	b32BlindedLen  = 56
	maxB32HostName = 512 // no key that can be blinded needs more
)

var i2pBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// B32 returns the address of the Destination with hash h: 52 characters and
// ".b32.i2p".
func (h Hash) B32() string { return i2pBase32.EncodeToString(h[:]) + b32Suffix }

// ParseB32 returns the hash in an address. Upper case is accepted, as in all host
// names. The error is ErrBlinded if the address is of an encrypted lease set:
// ParseB33 parses those.
func ParseB32(host string) (Hash, error) {
	b, err := decodeB32(host)
	if err != nil {
		return Hash{}, err
	}
	if n := len(host) - len(b32Suffix); n >= b32BlindedLen {
		return Hash{}, addressError("name", ErrBlinded)
	} else if n != b32HashLen {
		return Hash{}, addressError("name", ErrLength)
	}
	return Hash(b), nil
}

func addressError(field string, reason error) error {
	return &Error{Structure: "address", Field: field, Err: reason}
}

// decodeB32 returns the bytes that the part of a host name before the suffix
// stands for.
func decodeB32(host string) ([]byte, error) {
	if len(host) > maxB32HostName {
		return nil, addressError("name", ErrLength)
	}
	lower := strings.ToLower(host)
	name, ok := strings.CutSuffix(lower, b32Suffix)
	if !ok {
		return nil, addressError("suffix", ErrEncoding)
	}
	b, err := i2pBase32.DecodeString(name)
	// The standard decoder skips line ends and ignores unused bits.
	if err != nil || i2pBase32.EncodeToString(b) != name {
		return nil, addressError("name", ErrEncoding)
	}
	return b, nil
}

// A BlindedAddress is the address of a service whose lease set is encrypted. It
// holds the signing key of the Destination, from which the blinded key of each
// day follows. It is called b33, though its suffix is .b32.i2p.
type BlindedAddress struct {
	// SecretRequired and ClientAuth say what a client needs beside the address.
	SecretRequired, ClientAuth bool
	// Key is the key of the Destination, not blinded.
	Key SigningPublicKey
	// BlindedType is the type of the blinded key; RedDSA for 25519 keys.
	BlindedType SigType
}

const (
	// Types of two bytes each. No type needs them, and the specification sees no
	// need to implement them.
	b33TwoByteTypes = 1 << iota
	b33Secret
	b33ClientAuth
)

// B33 returns the address as a host name.
func (a BlindedAddress) B33() (string, error) {
	n, ok := a.Key.Type.PublicKeyLen()
	if !ok {
		return "", invalid("address", "key type", ErrUnsupported)
	}
	if len(a.Key.Key) != n {
		return "", invalid("address", "key", ErrLength)
	}
	if _, ok := a.BlindedType.PublicKeyLen(); !ok {
		return "", invalid("address", "blinded key type", ErrUnsupported)
	}
	var flags byte
	if a.SecretRequired {
		flags |= b33Secret
	}
	if a.ClientAuth {
		flags |= b33ClientAuth
	}
	b := make([]byte, 0, 3+n)
	b = append(b, flags, byte(a.Key.Type), byte(a.BlindedType))
	b = append(b, a.Key.Key...)
	b33Checksum(b)
	return i2pBase32.EncodeToString(b) + b32Suffix, nil
}

// b33Checksum masks the first three bytes with the checksum of the others, or
// takes the mask off.
func b33Checksum(b []byte) {
	sum := crc32.ChecksumIEEE(b[3:])
	b[0] ^= byte(sum)
	b[1] ^= byte(sum >> 8)
	b[2] ^= byte(sum >> 16)
}

// ParseB33 parses the address of an encrypted lease set.
func ParseB33(host string) (BlindedAddress, error) {
	b, err := decodeB32(host)
	if err != nil {
		return BlindedAddress{}, err
	}
	if len(host)-len(b32Suffix) < b32BlindedLen {
		return BlindedAddress{}, addressError("name", ErrLength)
	}
	b33Checksum(b)
	flags := b[0]
	if flags&^(b33TwoByteTypes|b33Secret|b33ClientAuth) != 0 {
		// The checksum has no bits of its own: a typing error shows as unused
		// flags, unknown types or a wrong length.
		return BlindedAddress{}, addressError("flags", ErrChecksum)
	}
	if flags&b33TwoByteTypes != 0 {
		return BlindedAddress{}, addressError("flags", ErrUnsupported)
	}
	a := BlindedAddress{
		SecretRequired: flags&b33Secret != 0,
		ClientAuth:     flags&b33ClientAuth != 0,
		Key:            SigningPublicKey{Type: SigType(b[1]), Key: b[3:]},
		BlindedType:    SigType(b[2]),
	}
	n, ok := a.Key.Type.PublicKeyLen()
	if !ok {
		return BlindedAddress{}, addressError("key type", ErrUnsupported)
	}
	if len(a.Key.Key) != n {
		return BlindedAddress{}, addressError("key", ErrLength)
	}
	if _, ok := a.BlindedType.PublicKeyLen(); !ok {
		return BlindedAddress{}, addressError("blinded key type", ErrUnsupported)
	}
	return a, nil
}

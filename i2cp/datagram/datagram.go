// Package datagram encodes and decodes repliable datagrams, the messages of
// protocol 17 over I2CP (https://i2p.net/docs/specs/datagrams, Datagram1): the
// sender's Destination, its signature over the payload, and the payload.
package datagram

import (
	"crypto/sha256"
	"errors"

	"multihome.i2p/i2cp/wire"
)

// MaxPayload is how many bytes of payload are surely delivered: datagrams of
// about 32 kB are the most that routers carry, 10 to 11 kB what arrives well
// (specification, Notes).
const MaxPayload = 31 << 10

// ErrTooLong is returned for a payload above MaxPayload.
var ErrTooLong = errors.New("datagram: payload above 31 kB")

// Datagram is a repliable datagram. What was parsed lies in the input.
type Datagram struct {
	From      wire.Destination
	Signature wire.Signature
	Payload   []byte
}

// Parse reads a datagram without verifying it. The error says in which field it
// went wrong.
func Parse(b []byte) (Datagram, error) {
	d, rest, err := wire.ParseDestination(b)
	if err != nil {
		return Datagram{}, err
	}
	n, ok := d.SigningKey().Type.SignatureLen()
	if !ok || len(rest) < n {
		return Datagram{}, wire.ErrTruncated
	}
	return Datagram{From: d, Signature: rest[:n:n], Payload: rest[n:]}, nil
}

// Verify checks the signature with the sender's key.
func (d *Datagram) Verify() error {
	key := d.From.SigningKey()
	return key.Verify(signed(key.Type, d.Payload), d.Signature)
}

// Append appends the datagram in which from, whose signing key is key, sends
// payload.
func Append(b []byte, from wire.Destination, key wire.SigningPrivateKey, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return b, ErrTooLong
	}
	b = append(b, from.Bytes()...)
	b = append(b, key.Sign(signed(from.SigningKey().Type, payload))...)
	return append(b, payload...), nil
}

// signed returns what is signed: the payload, and with DSA its SHA-256.
func signed(t wire.SigType, payload []byte) []byte {
	if t == wire.SigDSASHA1 {
		h := sha256.Sum256(payload)
		return h[:]
	}
	return payload
}

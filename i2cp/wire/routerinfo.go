package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// A RouterAddress is "RouterAddress" of the specification: a way in which a router
// can be reached.
type RouterAddress struct {
	Cost       uint8
	Expiration uint64 // all zeros for never; nobody uses it
	Transport  string // "NTCP2" or "SSU2"
	Options    Mapping
}

// ParseRouterAddress parses a RouterAddress.
func ParseRouterAddress(b []byte) (a RouterAddress, rest []byte, err error) {
	r := reader{b: b}
	a = readRouterAddress(&r)
	return parsed(&r, a)
}

func readRouterAddress(r *reader) RouterAddress {
	return RouterAddress{
		Cost:       r.uint8("RouterAddress", "cost"),
		Expiration: r.uint64("RouterAddress", "expiration"),
		Transport:  string(readString(r, "RouterAddress", "transport_style")),
		Options:    readMapping(r, false),
	}
}

// Append appends the encoding of a.
func (a RouterAddress) Append(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint64(append(dst, a.Cost), a.Expiration)
	dst, err := AppendString(dst, a.Transport)
	if err != nil {
		return nil, err
	}
	return a.Options.Append(dst), nil
}

// Host is where the address can be reached; ok is false for one that publishes no
// host (a firewalled router, or one behind introducers).
func (a RouterAddress) Host() (host string, ok bool) { return a.Options.Get("host") }

// A RouterInfo is "RouterInfo" of the specification: what a router publishes of
// itself.
type RouterInfo struct {
	Identity  RouterIdentity
	Published Date
	Addresses []RouterAddress
	Peers     []Hash // unused: always none
	Options   Mapping
	Signature Signature
}

// minRouterAddress is the size of the smallest RouterAddress.
const minRouterAddress = 1 + 8 + 1 + 2

// ParseRouterInfo parses a RouterInfo.
func ParseRouterInfo(b []byte) (i *RouterInfo, rest []byte, err error) {
	r := reader{b: b}
	i = &RouterInfo{
		Identity:  RouterIdentity{readKeysAndCert(&r, "RouterIdentity")},
		Published: Date(r.uint64("RouterInfo", "published")),
	}
	n := int(r.uint8("RouterInfo", "size"))
	if n*minRouterAddress > len(r.b)-r.off {
		r.fail("RouterInfo", "addresses", r.off, ErrTruncated)
	}
	for ; n > 0 && r.err == nil; n-- {
		i.Addresses = append(i.Addresses, readRouterAddress(&r))
	}
	peers := int(r.uint8("RouterInfo", "peer_size"))
	for s := r.take("RouterInfo", "peers", peers*32); len(s) > 0; s = s[32:] {
		i.Peers = append(i.Peers, Hash(s))
	}
	i.Options = readMapping(&r, false)
	i.Signature = readSignature(&r, "RouterInfo", i.Identity.SigType())
	return parsed(&r, i)
}

// Append appends the encoding of i.
func (i *RouterInfo) Append(dst []byte) ([]byte, error) {
	if n, _ := i.Identity.SigType().SignatureLen(); len(i.Signature) != n {
		return nil, invalid("RouterInfo", "signature", ErrLength)
	}
	dst, err := i.appendUnsigned(dst)
	if err != nil {
		return nil, err
	}
	return append(dst, i.Signature...), nil
}

func (i *RouterInfo) appendUnsigned(dst []byte) ([]byte, error) {
	if len(i.Addresses) > 255 {
		return nil, invalid("RouterInfo", "size", ErrTooMany)
	}
	if len(i.Peers) > 255 {
		return nil, invalid("RouterInfo", "peer_size", ErrTooMany)
	}
	dst = i.Published.Append(i.Identity.Append(dst))
	dst = append(dst, byte(len(i.Addresses)))
	for _, a := range i.Addresses {
		var err error
		if dst, err = a.Append(dst); err != nil {
			return nil, err
		}
	}
	dst = append(dst, byte(len(i.Peers)))
	for _, p := range i.Peers {
		dst = p.Append(dst)
	}
	return i.Options.Append(dst), nil
}

// Sign signs i with the key that its identity names.
func (i *RouterInfo) Sign(key SigningPrivateKey) error {
	if !key.Public().Equal(i.Identity.SigningKey()) {
		return invalid("RouterInfo", "signature", ErrKeyMismatch)
	}
	b, err := i.appendUnsigned(nil)
	if err != nil {
		return err
	}
	i.Signature = key.Sign(b)
	return nil
}

// Verify verifies the signature.
func (i *RouterInfo) Verify() error {
	b, err := i.appendUnsigned(nil)
	if err != nil {
		return err
	}
	return i.Identity.SigningKey().Verify(b, i.Signature)
}

// Has reports whether the router publishes capability c, one letter.
func (i *RouterInfo) Has(c string) bool {
	caps, _ := i.Options.Get("caps")
	return strings.Contains(caps, c)
}

// Clone returns a copy of i that borrows nothing.
func (i *RouterInfo) Clone() *RouterInfo {
	c := &RouterInfo{
		Identity: i.Identity.Clone(), Published: i.Published, Peers: slices.Clone(i.Peers),
		Options: i.Options.Clone(), Signature: bytes.Clone(i.Signature),
	}
	for _, a := range i.Addresses {
		a.Options = a.Options.Clone()
		c.Addresses = append(c.Addresses, a)
	}
	return c
}

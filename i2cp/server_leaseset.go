package i2cp

import (
	"bytes"
	"crypto/ecdh"
	"errors"

	"multihome.i2p/i2cp/wire"
)

// What may be wrong with a LeaseSet that a client gives its router.
var (
	// ErrLeaseSet: it does not parse, or verify, or is not the session's.
	ErrLeaseSet = errors.New("bad LeaseSet")
	// ErrKeys: the private keys are not those of the LeaseSet's keys.
	ErrKeys = errors.New("private keys do not fit the LeaseSet")
)

// checkLeaseSet checks the LeaseSet in m, if m has one, as routers do: it is the
// session's, its signature verifies, and the private keys belong to its
// encryption keys, in their order. Managed sessions need give no keys.
func (s *RouterSession) checkLeaseSet(m Message) error {
	switch m := m.(type) {
	case *CreateLeaseSet:
		return s.checkSigned(wire.StoreLeaseSet, m.LeaseSet, []PrivateKey{{wire.EncElGamal, m.Key[:]}})
	case *CreateLeaseSet2:
		if len(m.Keys) == 0 && m.StoreType != wire.StoreMetaLeaseSet {
			return ErrKeys
		}
		return s.checkSigned(m.StoreType, m.LeaseSet, m.Keys)
	case *PublishLeaseSet:
		return s.checkSigned(m.StoreType, m.LeaseSet, m.Keys)
	case *GiveLeaseSet:
		return s.checkSigned(m.StoreType, m.LeaseSet, m.Keys)
	}
	return nil
}

func (s *RouterSession) checkSigned(t wire.StoreType, b []byte, private []PrivateKey) error {
	var rest []byte
	var err error
	var public []wire.EncryptionKey
	owner := s.dest
	checkKeys := false
	switch t {
	case wire.StoreLeaseSet:
		var ls wire.LeaseSet
		if rest, err = ls.Parse(b); err == nil {
			owner, err = ls.Destination, ls.Verify()
		}
	case wire.StoreLeaseSet2:
		var ls wire.LeaseSet2
		if rest, err = ls.Parse(b); err == nil {
			owner, err = ls.Destination, ls.Verify()
			public, checkKeys = ls.EncryptionKeys, true
		}
	case wire.StoreMetaLeaseSet:
		var ls wire.MetaLeaseSet
		if rest, err = ls.Parse(b); err == nil {
			owner, err = ls.Destination, ls.Verify()
			checkKeys = true
		}
	case wire.StoreEncryptedLeaseSet: // its owner and keys are inside
		var ls wire.EncryptedLeaseSet
		if rest, err = ls.Parse(b); err == nil {
			err = ls.Verify()
		}
	default:
		return ErrLeaseSet
	}
	if err != nil || len(rest) > 0 || !owner.Equal(s.dest.KeysAndCert) {
		return ErrLeaseSet
	}
	if !checkKeys || len(private) == 0 {
		return nil
	}
	if len(private) != len(public) {
		return ErrKeys
	}
	for i := range private {
		if private[i].Type != public[i].Type || !fits(private[i], public[i]) {
			return ErrKeys
		}
	}
	return nil
}

// fits reports whether a private key belongs to a public one, as far as can be
// told here: for the X25519 part.
func fits(private PrivateKey, public wire.EncryptionKey) bool {
	n, ok := private.Type.PrivateKeyLen()
	if !ok || len(private.Key) != n {
		return false
	}
	if private.Type < wire.EncX25519 {
		return true
	}
	key, err := ecdh.X25519().NewPrivateKey(private.Key)
	return err == nil && bytes.Equal(key.PublicKey().Bytes(), public.Key)
}

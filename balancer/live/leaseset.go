package live

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// signer makes the signed LeaseSets of a Destination.
type signer struct {
	keys wire.PrivateKeyFile
	sign wire.SigningPrivateKey
	enc  *ecdh.PrivateKey
}

// signed is a LeaseSet2 as it goes to a router.
type signed struct {
	published int64
	bytes     []byte
	keys      []i2cp.PrivateKey
}

func newSigner(keys wire.PrivateKeyFile, enc *ecdh.PrivateKey) (*signer, error) {
	s := &signer{keys: keys, enc: enc}
	var err error
	if s.sign, err = keys.Signer(); err != nil {
		return nil, fmt.Errorf("the Destination's signing key: %w", err)
	}
	return s, nil
}

func newEncryptionKey() (*ecdh.PrivateKey, error) { return ecdh.X25519().GenerateKey(rand.Reader) }

// make composes and signs the LeaseSet of an action.
func (s *signer) make(a *balancer.Action, n *names) (signed, error) {
	leases := make([]wire.Lease2, len(a.Leases))
	for i, l := range a.Leases {
		leases[i] = wire.Lease2{
			Gateway: n.hash(l.Gateway), Tunnel: wire.TunnelID(l.ReceiveID), End: wire.Seconds(l.End / balancer.Second),
		}
	}
	return s.compose(wire.Seconds(a.Published), wire.Seconds(a.Expires), leases)
}

// plain makes the LeaseSet that a stock router asks for.
func (s *signer) plain(published wire.Seconds, wanted []wire.Lease) (signed, error) {
	leases := make([]wire.Lease2, len(wanted))
	expires := published
	for i, l := range wanted {
		end := wire.SecondsOf(l.End.Time())
		leases[i] = wire.Lease2{Gateway: l.Gateway, Tunnel: l.Tunnel, End: end}
		expires = max(expires, end)
	}
	return s.compose(published, expires, leases)
}

func (s *signer) compose(published, expires wire.Seconds, leases []wire.Lease2) (signed, error) {
	ls := wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{
			Destination: s.keys.Destination, Published: published, Expires: uint16(min(max(expires, published)-published, 0xffff)),
		},
		EncryptionKeys: []wire.EncryptionKey{{Type: wire.EncX25519, Key: s.enc.PublicKey().Bytes()}},
		Leases:         leases,
	}
	if s.keys.IsOffline() {
		ls.Flags |= wire.FlagOffline
		ls.Offline = s.keys.Offline.Signature
	}
	if err := ls.Sign(s.sign); err != nil {
		return signed{}, err
	}
	b, err := ls.Append(make([]byte, 0, 600+40*len(leases)))
	if err != nil {
		return signed{}, err
	}
	return signed{int64(published), b, []i2cp.PrivateKey{{Type: wire.EncX25519, Key: s.enc.Bytes()}}}, nil
}

package i2cp

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/i2cp/wire"
)

// javaText is what Java I2P was given to compress.
var javaText = strings.TrimSuffix(strings.Repeat("compressible ", 40), " ")

// javaMessages makes, from the values that testdata/java.txt was made of, the
// messages that it holds, in its order. Nil stands for one with a random key, a
// random signature, or data from another compressor.
func javaMessages(t *testing.T) []Message {
	t.Helper()
	date, now := wire.DateOf(exampleTime), wire.SecondsOf(exampleTime)
	keys, peer := testKeys(t, 1), testKeys(t, 2)
	to, hash := peer.Destination.Bytes(), filled(0xdd)
	seed := func(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }
	offline, err := keys.WithTransientKey(now+86400, bytes.NewReader(seed(101)))
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().NewPrivateKey(seed(0x20))
	if err != nil {
		t.Fatal(err)
	}
	config := func(keys wire.PrivateKeyFile, options map[string]string) SessionConfig {
		t.Helper()
		c, err := SignConfig(keys, options, exampleTime)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	encoded := func(keys wire.PrivateKeyFile, ls interface {
		Sign(key wire.SigningPrivateKey) error
		Append(b []byte) ([]byte, error)
	},
	) []byte {
		t.Helper()
		key, err := keys.Signer()
		if err != nil {
			t.Fatal(err)
		}
		if err := ls.Sign(key); err != nil {
			t.Fatal(err)
		}
		b, err := ls.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	leaseSet2 := func(keys wire.PrivateKeyFile) Message {
		t.Helper()
		ls := &wire.LeaseSet2{
			LeaseSet2Header: wire.LeaseSet2Header{Destination: keys.Destination, Published: now, Expires: 600},
			EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: x25519.PublicKey().Bytes()}},
			Leases: []wire.Lease2{
				{Gateway: filled(1), Tunnel: 1001, End: now + 600}, {Gateway: filled(2), Tunnel: 2001, End: now + 540},
			},
		}
		if keys.IsOffline() {
			ls.Flags, ls.Offline = wire.FlagOffline, keys.Offline.Signature
		}
		return &CreateLeaseSet2{
			Session: 7, StoreType: wire.StoreLeaseSet2, LeaseSet: encoded(keys, ls),
			Keys: []PrivateKey{{wire.EncX25519, x25519.Bytes()}},
		}
	}
	meta := &wire.MetaLeaseSet{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: keys.Destination, Published: now, Expires: 3600},
	}
	for n := byte(1); n < 3; n++ {
		l := wire.MetaLease{Hash: filled(n), Cost: n, End: now + 3600}
		l.SetType(wire.StoreLeaseSet2)
		meta.Leases = append(meta.Leases, l)
	}
	hello := AppendPayload(nil, PayloadInfo{7, 8, ProtocolRaw}, []byte("hello"))

	all := []Message{
		&GetDate{},
		&GetDate{Version: "0.9.67"},
		&GetDate{Version: "0.9.67", HasOptions: true, Options: testMapping(t, optionUser, "me", optionPassword, "secret")},
		&CreateSession{Config: config(keys, map[string]string{"inbound.nickname": "jäva", "inbound.length": "1", "a": ""})},
		&CreateSession{Config: config(offline, map[string]string{"inbound.length": "1"})},
		&ReconfigureSession{Session: 7, Config: config(keys, map[string]string{"inbound.quantity": "3"})},
		&DestroySession{Session: 7},
		nil, // CreateLeaseSet
		leaseSet2(keys),
		nil, // CreateLeaseSet2 with an ElGamal key
		leaseSet2(offline),
		nil, // CreateLeaseSet2 with an EncryptedLeaseSet
		&CreateLeaseSet2{Session: 7, StoreType: wire.StoreMetaLeaseSet, LeaseSet: encoded(keys, meta)},
		&SendMessage{Session: 7, Destination: to, Payload: hello, Nonce: 9},
		nil, // SendMessage, compressed
		nil, // SendMessageExpires, compressed
		&ReceiveMessageBegin{Session: 7, Message: 3},
		&ReceiveMessageEnd{Session: 7, Message: 3},
		&GetBandwidthLimits{},
		&DestLookup{Hash: hash},
		&HostLookup{Session: NoSession, Request: 1, Timeout: 10_000, Kind: LookupHash, Hash: hash},
		&HostLookup{Session: 7, Request: 2, Timeout: 15_000, Kind: LookupName, Name: "stats.i2p"},
	}
	for _, flags := range []uint8{0, 1, 0x13} { // no key, one for DH, a shared one and a secret
		for kind := BlindingHash; kind <= BlindingSigningKey; kind++ {
			m := &BlindingInfo{Session: 7, Flags: flags, Kind: kind, SigType: wire.SigRedDSAEd25519, Expires: now}
			if flags&blindingPerClient != 0 {
				m.Key = seed(0x30)
			}
			if flags&blindingSecret != 0 {
				m.Password = "shh"
			}
			switch kind {
			case BlindingHash:
				m.Hash = hash
			case BlindingName:
				m.Name = "blind.i2p"
			case BlindingDestination:
				m.Endpoint = to
			case BlindingSigningKey:
				m.Endpoint = append([]byte{0, 7}, peer.Destination.SigningKey().Key...)
			}
			all = append(all, m)
		}
	}
	all = append(all,
		&ReportAbuse{Session: 7, Severity: 255, Reason: "flood", Message: 3},
		&Disconnect{Reason: "client closed"},
		&SetDate{Date: date},
		&SetDate{Date: date, HasVersion: true, Version: "0.9.65"},
	)
	for state := SessionDestroyed; state <= SessionRefused; state++ {
		all = append(all, &SessionStatus{Session: 7, Status: state})
	}
	all = append(all,
		&RequestLeaseSet{
			Session: 7, End: date + 600_000,
			Tunnels: []TunnelGateway{{filled(1), 1001}, {filled(2), 0xfffffffe}},
		},
		&RequestVariableLeaseSet{Session: 7, Leases: []wire.Lease{
			{Gateway: filled(1), Tunnel: 1001, End: date + 600_123}, {Gateway: filled(2), Tunnel: 2001, End: date + 540_456},
		}},
	)
	for state := MessageAvailable; state <= MessageLoopback; state++ {
		m := &MessageStatus{Session: 7, Message: 3, Status: state, Nonce: 9}
		if state == MessageAvailable {
			m.Size = 1000
		}
		all = append(all, m)
	}
	all = append(all,
		&MessagePayload{Session: 7, Message: 3, Payload: hello},
		nil, // MessagePayload, compressed
		&BandwidthLimits{ClientIn: 1, ClientOut: 2, RouterIn: 3, RouterInBurst: 4, RouterOut: 5, RouterOutBurst: 6, BurstTime: 7},
		&DestReply{},
		&DestReply{Destination: to},
		&DestReply{Hash: &hash},
		&HostReply{Session: 7, Request: 2, Destination: to},
	)
	for code := LookupFailed; code <= LookupUnsupported; code++ {
		all = append(all, &HostReply{Session: 7, Request: 2, Code: code})
	}
	return append(all, &Disconnect{Reason: "Authorization required, specify i2cp.username and i2cp.password in options"})
}

// TestJava: from the same values, Java I2P's classes and this package make the
// same bytes, for every message of I2CP.
func TestJava(t *testing.T) {
	vectors := readCapture(t, "testdata/java.txt")
	messages := javaMessages(t)
	if len(vectors) != len(messages) {
		t.Fatalf("%d vectors, %d messages", len(vectors), len(messages))
	}
	seen := make(map[Type]bool)
	for i, v := range vectors {
		seen[v.typ] = true
		m := messages[i]
		if m == nil {
			continue // TestForeign looks into it
		}
		if m.Type() != v.typ {
			t.Errorf("vector %d is %v, not %v", i, v.typ, m.Type())
			continue
		}
		if b, err := m.Append(nil); err != nil || !bytes.Equal(b, v.body) {
			t.Errorf("%v:\n got %x, %v\nwant %x", v.typ, b, err, v.body)
		}
	}
	for n := range firstExtension {
		if n.Known() && !seen[n] {
			t.Errorf("no %v", n)
		}
	}
}

// TestJavaLeaseSets looks into the LeaseSets of Java I2P's classes and clients.
func TestJavaLeaseSets(t *testing.T) {
	var types []wire.StoreType
	several, offline, old := 0, 0, 0
	for _, file := range []string{"testdata/java.txt", "testdata/java-client.txt"} {
		for _, v := range readCapture(t, file) {
			m, err := Parse(v.typ, v.body)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := m.(*CreateLeaseSet); ok {
				old++
			}
			c, ok := m.(*CreateLeaseSet2)
			if !ok {
				continue
			}
			types = append(types, c.StoreType)
			if c.StoreType != wire.StoreLeaseSet2 {
				continue
			}
			ls, _, err := wire.ParseLeaseSet2(c.LeaseSet)
			if err != nil {
				t.Fatal(err)
			}
			if len(ls.EncryptionKeys) != len(c.Keys) {
				t.Fatalf("%d keys, %d private ones", len(ls.EncryptionKeys), len(c.Keys))
			}
			for i, k := range c.Keys {
				if !fits(k, ls.EncryptionKeys[i]) {
					t.Errorf("%v key does not fit", k.Type)
				}
			}
			if len(c.Keys) > 1 {
				several++
			}
			if ls.Flags&wire.FlagOffline != 0 {
				offline++
			}
		}
	}
	for _, want := range []wire.StoreType{wire.StoreLeaseSet2, wire.StoreEncryptedLeaseSet, wire.StoreMetaLeaseSet} {
		if !slices.Contains(types, want) {
			t.Errorf("no LeaseSet of type %d", want)
		}
	}
	if several < 2 || offline < 2 || old < 2 {
		t.Errorf("%d with several keys, %d with a transient key, %d old ones", several, offline, old)
	}
}

// TestReconfigureOffline replays a client of Java I2P with a transient key: its
// ReconfigureSession is signed by that key and does not have it.
func TestReconfigureOffline(t *testing.T) {
	var create *CreateSession
	var change *ReconfigureSession
	for _, v := range readCapture(t, "testdata/java-client.txt") {
		m, err := Parse(v.typ, v.body)
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *CreateSession:
			if create == nil || change == nil {
				create = m
			}
		case *ReconfigureSession:
			if withoutTransientKey(m) {
				change = m
			}
		}
	}
	if change == nil || !bytes.Equal(create.Config.Destination, change.Config.Destination) {
		t.Fatal("no such messages")
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &fakeRouter{info: RouterInfo{Now: func() time.Time { return create.Config.Date.Time() }}}, Limits{})
		defer r.close()
		p := r.raw()
		defer func() { _ = p.nc.Close() }()
		p.hello(false)
		p.send(create)
		if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionCreated || m.Session != change.Session {
			t.Fatalf("%+v", m)
		}
		p.send(change)
		if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionUpdated {
			t.Errorf("%+v", m)
		}
		change.Config.Date++
		p.send(change)
		if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionInvalid {
			t.Errorf("forged: %+v", m)
		}
	})
	if _, err := change.Config.Verify(change.Config.Date.Time()); !errors.Is(err, wire.ErrSignature) {
		t.Errorf("without its session: %v", err)
	}
}

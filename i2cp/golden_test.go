package i2cp

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "rewrite golden files and captures")

// filled returns a hash of n's.
func filled(n byte) (h wire.Hash) {
	for i := range h {
		h[i] = n
	}
	return h
}

func testMapping(tb testing.TB, pairs ...string) wire.Mapping {
	tb.Helper()
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	out, err := wire.NewMapping(m)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// exampleTime is when the examples happen.
var exampleTime = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// testEncryption returns the private encryption key of all test LeaseSets.
func testEncryption(tb testing.TB) *ecdh.PrivateKey {
	tb.Helper()
	key, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{0xed}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// testLeaseSet returns a signed LeaseSet2 with leases of two tunnels.
func testLeaseSet(tb testing.TB, keys wire.PrivateKeyFile) []byte {
	tb.Helper()
	now := wire.SecondsOf(exampleTime)
	ls := &wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: keys.Destination, Published: now, Expires: 600},
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: testEncryption(tb).PublicKey().Bytes()}},
		Leases: []wire.Lease2{
			{Gateway: filled(0xa1), Tunnel: 0x01020304, End: now + 600},
			{Gateway: filled(0xa2), Tunnel: 0x05060708, End: now + 540},
		},
	}
	key, err := keys.Signer()
	if err != nil {
		tb.Fatal(err)
	}
	if err := ls.Sign(key); err != nil {
		tb.Fatal(err)
	}
	b, err := ls.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// testOldLeaseSet returns a signed LeaseSet of the format before LeaseSet2.
func testOldLeaseSet(tb testing.TB, keys wire.PrivateKeyFile) []byte {
	tb.Helper()
	ls := &wire.LeaseSet{
		Destination: keys.Destination, SigningKey: make([]byte, 32),
		Leases: []wire.Lease{{Gateway: filled(0xa1), Tunnel: 0x01020304, End: wire.DateOf(exampleTime) + 600_000}},
	}
	copy(ls.EncryptionKey[:], bytes.Repeat([]byte{0xe1}, len(ls.EncryptionKey)))
	key, err := keys.Signer()
	if err != nil {
		tb.Fatal(err)
	}
	if err := ls.Sign(key); err != nil {
		tb.Fatal(err)
	}
	b, err := ls.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// examples returns a message of each type with all of its fields in use, some
// types more than once.
func examples(tb testing.TB) []Message {
	tb.Helper()
	keys := testKeys(tb, 1)
	dest := keys.Destination.Bytes()
	config := func(options map[string]string) SessionConfig {
		c, err := SignConfig(keys, options, exampleTime)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	date := wire.DateOf(exampleTime)
	session := config(map[string]string{"inbound.length": "3", "inbound.quantity": "3"})
	managed := config(map[string]string{optionNonce: "AAECAwQFBgcICQoLDA0ODw=="})
	leaseSet := testLeaseSet(tb, keys)
	private := []PrivateKey{{wire.EncX25519, testEncryption(tb).Bytes()}}
	payload := AppendPayload(nil, PayloadInfo{1, 2, ProtocolRaw}, []byte("hello"))
	miss := filled(0xbb)
	tunnel := Tunnel{
		ID: 17, Direction: Inbound, Gateway: filled(0xa1), Receive: 0x01020304, Created: date, Expires: date + 600_000,
		Hops: 2, Path: [MaxHops]wire.Hash{filled(0xa0), filled(0xa1)},
	}
	token := Token(bytes.Repeat([]byte{0x70}, 32))
	return []Message{
		&CreateSession{Config: session},
		&ReconfigureSession{Session: 7, Config: session},
		&DestroySession{Session: 7},
		&CreateLeaseSet{Session: 7, LeaseSet: testOldLeaseSet(tb, keys)},
		&SendMessage{Session: 7, Destination: dest, Payload: payload, Nonce: 9},
		&ReceiveMessageBegin{Session: 7, Message: 3},
		&ReceiveMessageEnd{Session: 7, Message: 3},
		&GetBandwidthLimits{},
		&SessionStatus{Session: 7, Status: SessionCreated},
		&RequestLeaseSet{Session: 7, Tunnels: []TunnelGateway{{filled(0xa1), 5}}, End: date},
		&MessageStatus{Session: 7, Message: 3, Status: MessageNoLeaseSet, Size: 4, Nonce: 9},
		&BandwidthLimits{1, 2, 3, 4, 5, 6, 7, [9]uint32{8, 9, 10, 11, 12, 13, 14, 15, 16}},
		&ReportAbuse{Session: 7, Severity: 255, Reason: "flood", Message: 3},
		&Disconnect{Reason: "bye"},
		&MessagePayload{Session: 7, Message: 3, Payload: payload},
		&GetDate{},
		&GetDate{Version: "0.9.67"},
		&GetDate{Version: "0.9.67", HasOptions: true, Options: testMapping(tb, optionUser, "me", optionPassword, "secret")},
		&SetDate{Date: date},
		&SetDate{Date: date, HasVersion: true, Version: "0.9.67"},
		&DestLookup{Hash: filled(0xdd)},
		&DestReply{},
		&DestReply{Destination: dest},
		&DestReply{Hash: &miss},
		&SendMessageExpires{Session: 7, Destination: dest, Payload: payload, Nonce: 9, Flags: SendNoLeaseSet, Expiration: date},
		&RequestVariableLeaseSet{Session: 7, Leases: []wire.Lease{{Gateway: filled(0xa1), Tunnel: 5, End: date}}},
		&HostLookup{Session: NoSession, Request: 1, Timeout: 10_000, Kind: LookupHash, Hash: filled(0xdd)},
		&HostLookup{Session: NoSession, Request: 2, Timeout: 10_000, Kind: LookupNameWithOptions, Name: "a.i2p"},
		&HostLookup{Session: NoSession, Request: 3, Timeout: 10_000, Kind: LookupDestinationWithOptions, Destination: dest},
		&HostLookup{Session: NoSession, Request: 4, Timeout: 10_000, Kind: 99, Key: []byte("?")},
		&HostReply{Session: 7, Request: 1, Destination: dest},
		&HostReply{Session: 7, Request: 1, Destination: dest, HasOptions: true, Options: testMapping(tb, "k", "v")},
		&HostReply{Session: 7, Request: 1, Code: LookupLeaseSetFailed, Destination: dest},
		&HostReply{Session: 7, Request: 1, Code: LookupFailed},
		&CreateLeaseSet2{Session: 7, StoreType: wire.StoreLeaseSet2, LeaseSet: leaseSet, Keys: private},
		&BlindingInfo{Session: 7, SigType: wire.SigRedDSAEd25519, Expires: 5, Kind: BlindingHash, Hash: filled(0xdd)},
		&BlindingInfo{
			Session: 7, SigType: wire.SigRedDSAEd25519, Expires: 5, Flags: 0x11, Kind: BlindingSigningKey,
			Endpoint: append([]byte{0, 7}, make([]byte, 32)...), Key: make([]byte, 32), Password: "pw",
		},
		&BlindingInfo{Session: 7, Flags: 0x10, Kind: BlindingName, Name: "a.i2p", Password: "pw"},
		&BlindingInfo{Session: 7, Kind: BlindingDestination, Endpoint: dest},

		// The extension. The first of each type stands in docs/i2cp-p140.md,
		// where also these two do.
		&GetDate{Version: "0.9.67", HasOptions: true, Options: testMapping(tb, optionExtension, "1")},
		&SetDate{
			Date: date, HasVersion: true, Version: "0.9.67", HasOptions: true,
			Options: testMapping(tb, optionExtension, "1", optionNonce, "AAECAwQFBgcICQoLDA0ODw=="),
		},
		&GetCapabilities{Request: 1},
		&CapabilityList{
			Request: 1, Version: 1, Capabilities: capDefined &^ CapGarlic, Kind: KindI2pd, Router: filled(0x55),
			MaxHops: 7, MaxTunnels: 64, MaxLeases: 16, MaxGrace: 600, MaxFrame: DefaultMaxFrame, Software: "example 1.0",
		},
		&OpenSession{Request: 2, Flags: OpenResume, Grace: 120, Config: managed},
		&OpenStatus{Request: 2, Session: 7, Status: OpenOpened, Grace: 120, Token: token},
		&GetFastTier{Session: 7, Request: 3, Version: 41},
		&PeerList{Session: 7, Request: 3, Version: 42, Peers: []Peer{{
			Hash: filled(0xa1), Net16: 0xc612, Port: 9000, Family: 0x1234abcd, Version: 0<<16 | 9<<8 | 67,
			Flags: PeerReachable | PeerIPv4 | PeerFast, Caps: [8]byte{'X', 'R'},
		}}},
		&PeerList{Session: 7, Request: 3, Version: 41, Flags: ListUnchanged},
		&CreateTunnel{
			Session: 7, Request: 4, Direction: Inbound, Hops: 2, Named: true,
			Path: [MaxHops]wire.Hash{filled(0xa0), filled(0xa1)},
		},
		&CreateTunnel{Session: 7, Request: 5, Direction: Outbound, Hops: 3, Reuse: 17},
		&TunnelStatus{Session: 7, Request: 4, Result: ResultOK, Tunnel: tunnel},
		&TunnelStatus{Session: 7, Request: 4, Result: ResultTimeout},
		&GetTunnelPool{Session: 7, Request: 6, Direction: Inbound},
		&TunnelList{Session: 7, Request: 6, Direction: Inbound, Tunnels: []Tunnel{tunnel}},
		&PublishLeaseSet{
			Session: 7, Request: 8, Outbound: 18, ReplyLease: 0,
			StoreType: wire.StoreLeaseSet2, LeaseSet: leaseSet, Keys: private,
		},
		&PublishLeaseSet{Session: 7, Request: 9, ReplyLease: ReplyClosest, StoreType: wire.StoreLeaseSet2, LeaseSet: leaseSet},
		&PublishStatus{
			Session: 7, Request: 8, Published: wire.SecondsOf(exampleTime), Result: ResultOK, Final: true,
			Floodfill: filled(0xff), Token: 0xcafe0001, ReplyLease: 0,
		},
		&SendPacket{Session: 7, Request: 10, Tunnel: 18, Flags: SendNoLeaseSet, Expiration: date + 60_000, Destination: dest, Payload: payload},
		&SendStatus{Session: 7, Request: 10, Status: MessageSuccess, Tunnel: 18},
		&DropTunnel{Session: 7, Request: 11, Tunnel: 17},
		&TunnelExpired{Session: 7, Tunnel: 17, Direction: Inbound, Reason: TunnelDropped, Date: date},
		&Attach{Request: 12, Token: token, Name: "frontend 2"},
		&PacketReceived{Session: 7, Message: 3, Tunnel: 17, Payload: payload},
		&Heartbeat{Session: 7, Sequence: 13, Date: date},
		&HeartbeatReply{Session: 7, Sequence: 13, Echo: date, Date: date + 3},
		&RelayAck{Session: 7, Published: wire.SecondsOf(exampleTime), Kind: I2NPDeliveryStatus, Token: 0xcafe0001},
		&AckRelayed{Session: 7, Tunnel: 17, Date: date, Kind: I2NPDeliveryStatus, Token: 0xcafe0001, Body: []byte{0xca, 0xfe, 0, 1, 0, 0, 1, 0xa2, 7, 0x8a, 0xd4, 0}},
		&GarlicDown{Session: 7, Request: 14, Tunnel: 18, Gateway: filled(0xb1), Receive: 99, Expiration: date + 60_000, Payload: []byte("ciphertext")},
		&GarlicUp{Session: 7, Tunnel: 17, Payload: []byte("ciphertext")},
		&GiveLeaseSet{Session: 7, Request: 15, StoreType: wire.StoreLeaseSet2, LeaseSet: leaseSet, Keys: private},
		&RequestError{Session: 7, Request: 4, Refused: TypeCreateTunnel, Code: ErrorNoPeer, Text: "unknown peer"},
		&LookupLeaseSet{Session: 7, Request: 16, Hash: filled(0xdd), Timeout: 10_000},
		&LookupResult{Session: 7, Request: 16, Result: ResultOK, Floodfill: filled(0xff), StoreType: wire.StoreLeaseSet2, LeaseSet: leaseSet},
		&LookupResult{Session: 7, Request: 16, Result: ResultFailed},
		&SetShadows{Session: 7, Request: 17, Published: wire.SecondsOf(exampleTime), Newest: 18, Shadows: []uint32{17, ShadowSilent}},
		&SetShadows{Session: 7, Request: 18},
		&NoteFloodfills{Session: 7, Notes: []FloodfillNote{{
			Floodfill: filled(0xff), Acks: 12, Response: 1500, StoreOK: 59_000, StoreFailed: 1_260_000, AskOK: Never, AskFailed: Never,
		}}},
		&NoteFloodfills{Session: 7},
		&FloodfillsNoted{Session: 7, Notes: []FloodfillNote{{
			Floodfill: filled(0xff), Acks: 13, Response: 1480, StoreFailed: 1_320_000, AskOK: Never, AskFailed: Never,
		}}},
		&OutdateLeaseSet{Session: 7, Published: wire.SecondsOf(exampleTime)},
	}
}

// TestExamples: each example parses to itself, and every type has one.
func TestExamples(t *testing.T) {
	seen := make(map[Type]bool)
	for _, m := range examples(t) {
		seen[m.Type()] = true
		body, err := m.Append(nil)
		if err != nil {
			t.Errorf("%v: %v", m.Type(), err)
			continue
		}
		got, err := Parse(m.Type(), body)
		if err != nil {
			t.Errorf("%v: %v\n%x", m.Type(), err, body)
			continue
		}
		again, err := got.Append([]byte("before"))
		if err != nil || !bytes.Equal(again, append([]byte("before"), body...)) {
			t.Errorf("%v: %x, %v; want %x", m.Type(), again, err, body)
		}
		// Nothing that is empty is nil here and not there but slices.
		if a, b := fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", got); a != b && m.Type() != TypeDestReply {
			t.Errorf("%v:\n got %s\nwant %s", m.Type(), b, a)
		}
	}
	for n := range 256 {
		if typ := Type(n); typ.Known() && !seen[typ] {
			t.Errorf("%v has no example", typ)
		}
	}
}

// TestTruncated: every prefix of a message is an error that says where, or, for
// messages whose last fields are optional, a message of its own.
func TestTruncated(t *testing.T) {
	for _, m := range examples(t) {
		body, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range body {
			short, err := Parse(m.Type(), body[:n:n])
			if err == nil {
				again, err := short.Append(nil)
				if err != nil || !bytes.Equal(again, body[:n]) {
					t.Errorf("%v cut to %d: %x, %v", m.Type(), n, again, err)
				}
				continue
			}
			pe, ok := err.(*ParseError) //nolint:errorlint // exactly this type is promised
			if !ok || pe.Type != m.Type() || pe.Field == "" || pe.Offset < 0 || pe.Offset > n {
				t.Errorf("%v cut to %d: %v", m.Type(), n, err)
			}
		}
		body = append(body, 0)
		if long, err := Parse(m.Type(), body); err == nil {
			again, err := long.Append(nil)
			if err != nil || !bytes.Equal(again, body) {
				t.Errorf("%v with a byte too many: %x, %v", m.Type(), again, err)
			}
		}
	}
}

const (
	messagesFile = "testdata/messages.txt"
	document     = "../docs/i2cp-p140.md"
)

// TestGolden holds the examples' bytes to what they were.
func TestGolden(t *testing.T) {
	var b strings.Builder
	b.WriteString("# One frame a line, made by examples in golden_test.go: type, then header and body.\n")
	for _, m := range examples(t) {
		frame, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%v %x\n", m.Type(), frame)
	}
	compareGolden(t, messagesFile, b.String())
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what the code makes; if that is meant, run go test -run %s -update", file, t.Name())
	}
}

// TestDocument holds the examples of the specification to what the code makes:
// each is a fenced block that follows a line `<!-- example: Type -->`.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	first := make(map[string]Message)
	for _, m := range examples(t) {
		name := m.Type().String()
		if g, ok := m.(*GetDate); ok {
			if _, ok := g.Options.Get(optionExtension); !ok {
				continue
			}
		}
		if s, ok := m.(*SetDate); ok && !s.HasOptions {
			continue
		}
		if first[name] == nil {
			first[name] = m
		}
	}
	const open, shut = "<!-- example: ", "<!-- /example -->\n"
	var out strings.Builder
	rest := string(text)
	shown := make(map[string]bool)
	for {
		before, after, ok := strings.Cut(rest, open)
		out.WriteString(before)
		if !ok {
			break
		}
		name, after, _ := strings.Cut(after, " -->\n")
		_, after, ok = strings.Cut(after, shut)
		if !ok || first[name] == nil {
			t.Fatalf("%s: example of %q: not closed, or no such message", document, name)
		}
		shown[name] = true
		frame, err := AppendFrame(nil, first[name], MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s%s -->\n```\n%s```\n%s", open, name, hexLines(frame), shut)
		rest = after
	}
	for n := firstExtension; n <= lastExtension; n++ {
		if n.Known() && !shown[n.String()] {
			t.Errorf("%s has no example of %v", document, n)
		}
		if n.Known() && !strings.Contains(string(text), fmt.Sprintf("| %d | %v |", n, n)) {
			t.Errorf("%s does not list %v as type %d", document, n, n)
		}
	}
	compareGolden(t, document, out.String())
}

// hexLines writes a frame as people read it: header, then 32 bytes a line.
func hexLines(frame []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x %02x\n", frame[:4], frame[4])
	for rest := frame[headerLen:]; len(rest) > 0; {
		n := min(len(rest), 32)
		fmt.Fprintf(&b, "%x\n", rest[:n])
		rest = rest[n:]
	}
	return b.String()
}

// A line of a vector file.
type vector struct {
	way  string // "<" from the router, ">" to it
	typ  Type
	body []byte
}

func typeNamed(tb testing.TB, name string) Type {
	tb.Helper()
	for n := range 256 {
		if specs[n].name == name {
			return Type(n)
		}
	}
	tb.Fatalf("no message %q", name)
	return 0
}

func readCapture(tb testing.TB, file string) []vector {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var out []vector
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		v := vector{way: words[0], typ: typeNamed(tb, words[1])}
		if len(words) > 2 {
			if v.body, err = hex.DecodeString(words[2]); err != nil {
				tb.Fatal(err)
			}
		}
		out = append(out, v)
	}
	return out
}

// foreign are the files of bytes that others made or took; each says how it came
// about. None is ours to update but i2pd.txt, by TestI2pd.
var foreign = []string{"testdata/i2pd.txt", "testdata/java-router.txt", "testdata/java-client.txt", "testdata/java.txt"}

// TestForeign decodes what other implementations sent or took, encodes it to the
// same bytes, and verifies what is signed.
func TestForeign(t *testing.T) {
	for _, file := range foreign {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			vectors := readCapture(t, file)
			if len(vectors) < 30 {
				t.Fatalf("%d messages", len(vectors))
			}
			for _, v := range vectors {
				m, err := Parse(v.typ, v.body)
				if err != nil {
					t.Errorf("%v: %v", v.typ, err)
					continue
				}
				if b, err := m.Append(nil); err != nil || !bytes.Equal(b, v.body) {
					t.Errorf("%v: %x, %v; want %x", v.typ, b, err, v.body)
				}
				if way := specs[v.typ].way; v.way == "<" && way&toClient == 0 || v.way == ">" && way&toRouter == 0 {
					t.Errorf("%v goes the other way", v.typ)
				}
				checkSigned(t, m)
				checkPayload(t, m)
			}
		})
	}
}

// checkSigned verifies the signature of m and of the LeaseSet in it.
func checkSigned(t *testing.T, m Message) {
	t.Helper()
	config := func(c *SessionConfig) {
		t.Helper()
		if _, err := c.Verify(c.Date.Time()); err != nil {
			t.Errorf("%v: %v", m.Type(), err)
		}
	}
	leaseSet := func(typ wire.StoreType, b []byte) {
		t.Helper()
		var ls interface {
			Parse(b []byte) ([]byte, error)
			Verify() error
		}
		switch typ {
		case wire.StoreLeaseSet:
			ls = new(wire.LeaseSet)
		case wire.StoreLeaseSet2:
			ls = new(wire.LeaseSet2)
		case wire.StoreEncryptedLeaseSet:
			ls = new(wire.EncryptedLeaseSet)
		case wire.StoreMetaLeaseSet:
			ls = new(wire.MetaLeaseSet)
		default:
			t.Fatalf("LeaseSet of type %d", typ)
		}
		if rest, err := ls.Parse(b); err != nil || len(rest) > 0 {
			t.Errorf("%v: LeaseSet with %d bytes left, %v", m.Type(), len(rest), err)
		} else if err := ls.Verify(); err != nil {
			t.Errorf("%v: %v", m.Type(), err)
		}
	}
	switch m := m.(type) {
	case *CreateSession:
		config(&m.Config)
	case *ReconfigureSession:
		if !withoutTransientKey(m) {
			config(&m.Config)
		}
	case *CreateLeaseSet:
		leaseSet(wire.StoreLeaseSet, m.LeaseSet)
	case *CreateLeaseSet2:
		leaseSet(m.StoreType, m.LeaseSet)
	case *RequestVariableLeaseSet:
		if len(m.Leases) == 0 || m.Leases[0].Gateway == (wire.Hash{}) {
			t.Errorf("leases %v", m.Leases)
		}
	}
}

// withoutTransientKey reports whether m is the one message of Java I2P's client
// that is signed by a transient key which only the CreateSession before it has:
// see TestReconfigureOffline.
func withoutTransientKey(m *ReconfigureSession) bool {
	return wire.HashOf(m.Config.Destination).B32() == "hze5mbadayilocoa6dquxj6zxna2j3hk6kvatkf4z7p43rxd4dqq.b32.i2p"
}

// checkPayload unwraps the payload of m: all have one of these contents.
func checkPayload(t *testing.T, m Message) {
	t.Helper()
	var payload []byte
	switch m := m.(type) {
	case *SendMessage:
		payload = m.Payload
	case *SendMessageExpires:
		payload = m.Payload
	case *MessagePayload:
		payload = m.Payload
	default:
		return
	}
	info, data, err := ParsePayload(nil, payload, 1<<16)
	if err != nil || info != (PayloadInfo{7, 8, ProtocolRaw}) && info != (PayloadInfo{1, 2, ProtocolStreaming}) {
		t.Errorf("%v: payload %v, %v", m.Type(), info, err)
	}
	switch text := string(data); {
	case strings.HasPrefix(text, "message "), text == "hello", text == "short", text == "expires", text == javaText:
	default:
		t.Errorf("%v: payload %q", m.Type(), text)
	}
}

// TestParseAllocates: messages that come often are parsed and encoded without
// allocation into memory that is used again.
func TestParseAllocates(t *testing.T) {
	for _, m := range examples(t) {
		switch m.(type) {
		case *SendMessage, *SendMessageExpires, *MessagePayload, *MessageStatus, *RequestVariableLeaseSet,
			*SendPacket, *SendStatus, *PacketReceived, *GarlicUp, *GarlicDown, *Heartbeat, *HeartbeatReply,
			*PeerList, *CreateTunnel, *TunnelStatus, *TunnelList, *TunnelExpired, *PublishLeaseSet, *PublishStatus,
			*SetShadows:
		default:
			continue
		}
		body, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, len(body))
		if n := testing.AllocsPerRun(100, func() {
			if err := m.Parse(body); err != nil {
				t.Error(err)
			}
			if buf, err = m.Append(buf[:0]); err != nil {
				t.Error(err)
			}
		}); n > 0 {
			t.Errorf("%v: %v allocations", m.Type(), n)
		}
	}
}

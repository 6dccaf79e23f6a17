package wire_test

import (
	"fmt"
	"strings"
	"time"

	"multihome.i2p/i2cp/wire"
)

// A lease set is made, signed, encoded, parsed and verified.
func ExampleLeaseSet2() {
	// Take crypto/rand.Reader.
	file, err := wire.NewPrivateKeyFile(strings.NewReader(strings.Repeat("not random", 7)))
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := file.Signer()
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	made := wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{
			Destination: file.Destination,
			Published:   wire.SecondsOf(now),
			Expires:     600,
		},
		EncryptionKeys: []wire.EncryptionKey{{Type: wire.EncX25519, Key: make([]byte, 32)}},
		Leases:         []wire.Lease2{{Gateway: wire.HashOf([]byte("a router")), Tunnel: 7, End: wire.SecondsOf(now) + 600}},
	}
	if err := made.Sign(signer); err != nil {
		fmt.Println(err)
		return
	}
	encoded, err := made.Append(nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	var parsed wire.LeaseSet2 // reused from one to the next
	if _, err := parsed.Parse(encoded); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(encoded), "bytes for", parsed.Destination.B32())
	fmt.Println("verified:", parsed.Verify() == nil, "expired:", parsed.Expired(now))

	_, err = parsed.Parse(encoded[:400])
	fmt.Println(err)
	// Output:
	// 543 bytes for zlbicybdtqbnzxrfjpckkswrz7rxs6vtkpw7dlh5zr3mrl6hr2xq.b32.i2p
	// verified: true expired: false
	// wire: Mapping: size at byte 399: input ends too early
}

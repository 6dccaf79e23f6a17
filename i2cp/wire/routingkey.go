package wire

import (
	"crypto/sha256"
	"time"
)

// RoutingKey returns the key under which the entry of h lies in the network
// database on the day of t: the SHA-256 of h and the date in UTC, "20060102". All
// keys change at midnight UTC. (https://i2p.net/docs/overview/network-database,
// "Kademlia Closeness Metric".)
func RoutingKey(h Hash, t time.Time) Hash {
	var b [32 + 8]byte
	copy(b[:], h[:])
	t.UTC().AppendFormat(b[:32], "20060102")
	return sha256.Sum256(b[:])
}

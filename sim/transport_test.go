package sim

import (
	"math"
	"testing"
)

// TestTunnelMessages: the specification's sizes, at their edges.
func TestTunnelMessages(t *testing.T) {
	for bytes, want := range map[int64]int64{1: 1, 956: 1, 957: 2, 956 + 996: 2, 956 + 996 + 1: 3, i2npMax: 63} {
		if got := tunnelMessages(bytes); got != want {
			t.Errorf("%d bytes take %d tunnel messages, want %d", bytes, got, want)
		}
	}
	if got := tunnelMessages(bytesStoreHead + leaseSet2Bytes(16)); got != usualFragments {
		t.Errorf("a full LeaseSet takes %d tunnel messages", got)
	}
	w := ready(t, worldOf(SchemeSingle, 1))
	w.cfg.Network.StoreLoss = .1
	if got := w.lossOf(bytesAck); got != .1 {
		t.Errorf("a small message is lost with %g", got)
	}
	if got, want := w.lossOf(956+7*996), 1-math.Pow(.9, 4); math.Abs(got-want) > 1e-12 {
		t.Errorf("one of eight tunnel messages is lost with %g, want %g", got, want)
	}
}

// TestLargeLeaseSet: more than 16 leases, through the same core; a floodfill that does
// not take so many gets nothing into the netDb.
func TestLargeLeaseSet(t *testing.T) {
	c := worldOf(SchemeLargeLeaseSet, 10)
	c.Destination.Leases = 80
	c.Network.LeaseSetLimit = 16384
	c.Warmup, c.Duration = Hour, 2*Hour
	c.Adversaries = nil
	w, out := NewWorld(), new(Outcome)
	mustRun(t, w, c, 3, out)
	if mean := out.Truth.MeanLeases(); mean < 75 {
		t.Errorf("%.1f leases in a LeaseSet", mean)
	}
	if out.Truth.Live != out.Truth.Samples || out.Truth.Refused != 0 {
		t.Errorf("%d of %d samples live, %d stores refused", out.Truth.Live, out.Truth.Samples, out.Truth.Refused)
	}
	x := w.heldOf(serviceKey)
	if n := len(w.sets.at(x).leases); n < 76 {
		t.Errorf("%d leases at the end", n)
	}
	for len(c.Destination.Routers) < 100 {
		c.Destination.Routers = append(c.Destination.Routers, c.Destination.Routers[0])
	}
	c.Destination.Leases, c.Duration = leasesMax, 30*Minute
	mustRun(t, w, c, 3, out)
	// The list changes about once a second, and `published` must not run ahead.
	if out.Truth.Live != out.Truth.Samples || out.Truth.Published < 10 {
		t.Errorf("%d leases: %d of %d samples live, %d published", leasesMax, out.Truth.Live, out.Truth.Samples, out.Truth.Published)
	}
	c.Network.LeaseSetLimit = leaseSetLimitMin
	mustRun(t, w, c, 3, out)
	if out.Truth.Live != 0 || out.Truth.Refused == 0 || out.Truth.Stores != 0 {
		t.Errorf("too large, and %d samples live, %d stores, %d refused", out.Truth.Live, out.Truth.Stores, out.Truth.Refused)
	}
}

package sim

import "math"

// A tunnel carries an I2NP message in tunnel messages of 1 KB: up to 956 bytes in the
// first, up to 996 in each further one, 63 in all (tunnel message specification).
const (
	firstFragment    = 956
	furtherFragment  = 996
	fragmentsMax     = 63
	i2npMax          = firstFragment + (fragmentsMax-1)*furtherFragment
	usualFragments   = 2     // of a LeaseSet2 with 16 leases
	leaseSetLimitMin = 1_143 // such a LeaseSet2
	leaseSetLimitMax = i2npMax - bytesStoreHead
)

// tunnelMessages is how many tunnel messages a message of so many bytes takes.
func tunnelMessages(bytes int64) int64 {
	if bytes <= firstFragment {
		return 1
	}
	return 1 + (bytes-firstFragment+furtherFragment-1)/furtherFragment
}

// lossOf is the chance that a message of so many bytes is lost on its way: of one that
// takes as many tunnel messages as a full LeaseSet does, or fewer, Network.StoreLoss;
// a larger one is lost if any part of it is.
func (w *World) lossOf(bytes int64) float64 {
	loss := w.cfg.Network.StoreLoss
	if n := tunnelMessages(bytes); n > usualFragments {
		return 1 - math.Pow(1-loss, float64(n)/usualFragments)
	}
	return loss
}

// bytesOf is the size of a netDb message.
func (w *World) bytesOf(m *mail) int64 {
	switch m.kind {
	case mailStore:
		return bytesStoreHead + w.sets.at(m.set).bytes()
	case mailLookup:
		return bytesLookup
	case mailAnswer:
		if m.set == none {
			return bytesSearchReply
		}
		return bytesFloodHead + w.sets.at(m.set).bytes()
	default:
		return bytesAck
	}
}

// tooLarge tells whether a floodfill refuses a LeaseSet for its size.
func (w *World) tooLarge(x int32) bool {
	limit := w.cfg.Network.LeaseSetLimit
	return limit > 0 && w.sets.at(x).bytes() > int64(limit)
}

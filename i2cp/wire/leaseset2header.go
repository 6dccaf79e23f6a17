package wire

import (
	"encoding/binary"
	"time"
)

// LeaseSetFlags are the flags of a LeaseSet2Header and of an EncryptedLeaseSet.
// The other bits are 0 "for compatibility with future uses"; they are kept as they
// are.
type LeaseSetFlags uint16

const (
	// FlagOffline says that a transient key signed, and an OfflineSignature
	// follows the flags.
	FlagOffline LeaseSetFlags = 1 << iota
	// FlagUnpublished says that the lease set is not to be flooded, published or
	// sent in response to a query.
	FlagUnpublished
	// FlagBlinded says that the lease set is encrypted where it is published, and
	// is to be looked up there. FlagUnpublished should be set too; i2pd does not
	// set it.
	FlagBlinded
)

// A LeaseSet2Header is "LeaseSet2Header" of the specification: what LeaseSet2 and
// MetaLeaseSet begin with.
type LeaseSet2Header struct {
	Destination Destination
	Published   Seconds
	Expires     uint16 // seconds after Published
	Flags       LeaseSetFlags
	Offline     OfflineSignature // if Flags has FlagOffline
}

func readLeaseSet2Header(r *reader) LeaseSet2Header {
	h := LeaseSet2Header{
		Destination: readDestination(r),
		Published:   Seconds(r.uint32("LeaseSet2Header", "published")),
		Expires:     r.uint16("LeaseSet2Header", "expires"),
		Flags:       LeaseSetFlags(r.uint16("LeaseSet2Header", "flags")),
	}
	if h.Flags&FlagOffline != 0 {
		h.Offline = readOfflineSignature(r, h.Destination.SigType())
	}
	return h
}

func (h *LeaseSet2Header) appendHeader(dst []byte) ([]byte, error) {
	if h.Destination.Len() == 0 {
		return nil, invalid("LeaseSet2Header", "destination", ErrLength)
	}
	dst = h.Destination.Append(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Published))
	dst = binary.BigEndian.AppendUint16(dst, h.Expires)
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.Flags))
	if h.Flags&FlagOffline != 0 {
		if err := h.Offline.check(h.Destination.SigType()); err != nil {
			return nil, err
		}
		dst = h.Offline.Append(dst)
	}
	return dst, nil
}

// ExpiresAt returns when the lease set expires.
func (h *LeaseSet2Header) ExpiresAt() time.Time {
	return h.Published.Time().Add(time.Duration(h.Expires) * time.Second)
}

// Expired reports whether the lease set has expired.
func (h *LeaseSet2Header) Expired(now time.Time) bool { return !now.Before(h.ExpiresAt()) }

// Signer returns the key that signs the lease set: the transient one, or that of
// the Destination.
func (h *LeaseSet2Header) Signer() SigningPublicKey {
	if h.Flags&FlagOffline != 0 {
		return h.Offline.Transient
	}
	return h.Destination.SigningKey()
}

// signatureType is the type of Signer, without the key.
func (h *LeaseSet2Header) signatureType() SigType {
	if h.Flags&FlagOffline != 0 {
		return h.Offline.Transient.Type
	}
	return h.Destination.SigType()
}

// verify verifies a signature of signed, and that of the transient key if there is
// one.
func (h *LeaseSet2Header) verify(signed []byte, sig Signature) error {
	if h.Flags&FlagOffline != 0 {
		if err := h.Offline.Verify(h.Destination.SigningKey()); err != nil {
			return err
		}
	}
	return h.Signer().Verify(signed, sig)
}

func (h *LeaseSet2Header) cloneHeader() LeaseSet2Header {
	c := *h
	c.Destination = h.Destination.Clone()
	c.Offline = h.Offline.Clone()
	return c
}

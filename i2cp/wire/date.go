package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// A Date is a time in milliseconds since the epoch, "Date" of the specification
// (8 bytes). Zero means undefined.
type Date uint64

// DateOf returns t as a Date, rounded down. Times before the epoch become 0.
func DateOf(t time.Time) Date {
	return Date(max(0, t.UnixMilli()))
}

// Time returns d as a time, in UTC.
func (d Date) Time() time.Time {
	// Beyond the year 292 million a Date does not fit a time.Time.
	return time.UnixMilli(int64(min(d, math.MaxInt64))).UTC()
}

// Append appends the 8 bytes of d.
func (d Date) Append(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(d))
}

// ParseDate parses 8 bytes.
func ParseDate(b []byte) (d Date, rest []byte, err error) {
	r := reader{b: b}
	d = Date(r.uint64("Date", "date"))
	return parsed(&r, d)
}

// Seconds is a time in seconds since the epoch, the "4 byte date" of Lease2,
// OfflineSignature and LeaseSet2Header. It rolls over in 2106.
type Seconds uint32

// SecondsOf returns t as Seconds, rounded down. Times outside the range become
// its nearest end.
func SecondsOf(t time.Time) Seconds {
	return Seconds(min(max(0, t.Unix()), math.MaxUint32))
}

// Time returns s as a time, in UTC.
func (s Seconds) Time() time.Time {
	return time.Unix(int64(s), 0).UTC()
}

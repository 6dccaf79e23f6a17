package i2cp

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

// Protocols of a payload (i2cp.md's overview, Format).
const (
	ProtocolUnspecified uint8 = 0
	ProtocolStreaming   uint8 = 6
	ProtocolDatagram    uint8 = 17
	ProtocolRaw         uint8 = 18
)

// PayloadInfo is what the gzip wrapper around a payload carries in header bytes
// that gzip would use otherwise: the ports in MTIME, the protocol in OS.
type PayloadInfo struct {
	FromPort uint16
	ToPort   uint16
	Protocol uint8
}

const (
	gzipHeader  = 10
	gzipTrailer = 8
	storedMax   = 0xffff // bytes of one stored block
	storedHead  = 5

	// PayloadOverhead is what AppendPayload adds to up to 65,535 bytes of data.
	PayloadOverhead = gzipHeader + storedHead + gzipTrailer

	// compressMin is how many bytes are worth compressing: messages of 66 bytes
	// and less gain no tunnel message by it. The bound is Java I2P's
	// (2.8.0, I2PSessionImpl2, DONT_COMPRESS_SIZE) and i2pd's (Streaming.h,
	// COMPRESSION_THRESHOLD_SIZE).
	compressMin = 67

	// compressLevel is that of Java I2P since 0.9.47 (DataHelper,
	// MEDIUM_COMPRESSION).
	compressLevel = 3
)

// AppendPayload appends data in the gzip wrapper of I2CP (i2cp.md's overview,
// Format), in stored blocks: what applications send is mostly encrypted or
// compressed, or small. See [AppendCompressedPayload].
func AppendPayload(b []byte, info PayloadInfo, data []byte) []byte {
	b = appendGzipHeader(b, info)
	for rest := data; ; {
		n := min(len(rest), storedMax)
		final := byte(0)
		if n == len(rest) {
			final = 1
		}
		b = append(b, final)
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = binary.LittleEndian.AppendUint16(b, ^uint16(n))
		b = append(b, rest[:n]...)
		if rest = rest[n:]; final == 1 {
			break
		}
	}
	return appendGzipTrailer(b, data)
}

func appendGzipHeader(b []byte, info PayloadInfo) []byte {
	b = append(b, 0x1f, 0x8b, 8, 0)
	b = binary.BigEndian.AppendUint16(b, info.FromPort)
	b = binary.BigEndian.AppendUint16(b, info.ToPort)
	return append(b, 2, info.Protocol)
}

func appendGzipTrailer(b, data []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(b, uint32(len(data)))
}

// AppendCompressedPayload appends data in the gzip wrapper, compressed where that
// makes it smaller; up to 66 bytes, and data that do not shrink, are stored as
// AppendPayload does. It never takes more room than AppendPayload, but a hundred
// times the time, some 15 µs for 1 kB, and 800 kB of memory, which are used again,
// for each goroutine at work in it.
func AppendCompressedPayload(b []byte, info PayloadInfo, data []byte) []byte {
	if len(data) < compressMin {
		return AppendPayload(b, info, data)
	}
	base := len(b)
	out := sliceWriter{appendGzipHeader(b, info)}
	f := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(f)
	f.Reset(&out)
	// A sliceWriter does not fail, and nothing else does.
	_, _ = f.Write(data)
	_ = f.Close()
	stored := len(data) + storedHead*max(1, (len(data)+storedMax-1)/storedMax)
	if len(out.b)-base-gzipHeader >= stored {
		return AppendPayload(out.b[:base], info, data)
	}
	return appendGzipTrailer(out.b, data)
}

// A sliceWriter appends what is written to it.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// deflaters are compressors for reuse.
var deflaters = sync.Pool{New: func() any {
	f, err := flate.NewWriter(nil, compressLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	return f
}}

// inflaters are decompressors for reuse: each is some 40 kB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// ParsePayload unwraps a payload. Data in one stored block, which i2pd sends and
// AppendPayload makes, is returned as it lies in payload; other data is appended
// to dst, to at most limit bytes.
func ParsePayload(dst, payload []byte, limit int) (info PayloadInfo, data []byte, err error) {
	fault := func(field string, at int, err error) (PayloadInfo, []byte, error) {
		return PayloadInfo{}, nil, &ParseError{TypeMessagePayload, field, at, err}
	}
	if len(payload) < gzipHeader+gzipTrailer {
		return fault("gzip header", 0, ErrTruncated)
	}
	if payload[0] != 0x1f || payload[1] != 0x8b || payload[2] != 8 || payload[3] != 0 {
		return fault("gzip header", 0, ErrValue)
	}
	info = PayloadInfo{
		FromPort: binary.BigEndian.Uint16(payload[4:]),
		ToPort:   binary.BigEndian.Uint16(payload[6:]),
		Protocol: payload[9],
	}
	body := payload[gzipHeader : len(payload)-gzipTrailer]
	trailer := payload[len(payload)-gzipTrailer:]
	if len(body) > storedHead && body[0] == 1 {
		n := binary.LittleEndian.Uint16(body[1:])
		if n != ^binary.LittleEndian.Uint16(body[3:]) || int(n) != len(body)-storedHead {
			return fault("stored block", gzipHeader, ErrValue)
		}
		if int(n) > limit {
			return fault("stored block", gzipHeader, ErrTooLong)
		}
		data = body[storedHead:]
	} else {
		if data, err = inflate(dst, body, limit); err != nil {
			return fault("deflate stream", gzipHeader, err)
		}
	}
	if crc32.ChecksumIEEE(data) != binary.LittleEndian.Uint32(trailer) {
		return fault("CRC-32", len(payload)-gzipTrailer, ErrValue)
	}
	if uint32(len(data)) != binary.LittleEndian.Uint32(trailer[4:]) {
		return fault("ISIZE", len(payload)-4, ErrValue)
	}
	return info, data, nil
}

// inflate appends what body, all of it, decompresses to, and returns only that.
func inflate(dst, body []byte, limit int) ([]byte, error) {
	src := bytes.NewReader(body)
	f := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(f)
	if err := f.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	base := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := f.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-base > limit {
			return nil, ErrTooLong
		}
		if err == io.EOF { //nolint:errorlint // what a Reader returns at its end
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if src.Len() > 0 {
		return nil, ErrTrailing
	}
	return dst[base:], nil
}

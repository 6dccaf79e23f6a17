package live

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"multihome.i2p/balancer"
)

// The event log: what the core was told, and what it said. A log replayed
// through the core gives the same actions, byte for byte, or shows where not.
//
// The file is a sequence of frames: 4 bytes of length (big-endian), that many
// bytes of JSON, and the SHA-256 of the previous frame's sum and these bytes.
// The first frame is the header, each further one a record.

const (
	recordFormat  = "multihome-replay"
	recordVersion = 1
	frameMax      = 1 << 24
)

type recordHeader struct {
	Format  string     `json:"format"`
	Version int        `json:"version"`
	Core    coreHeader `json:"core"`
}

type record struct {
	Now     balancer.Time     `json:"now"`
	Event   balancer.Event    `json:"event"`
	Actions []balancer.Action `json:"actions"`
}

// recorder writes an event log. A nil recorder does nothing.
type recorder struct {
	file *os.File
	w    *bufio.Writer
	sum  [32]byte
}

// newRecorder begins a log. Each run has one of its own: where path exists, it is
// path.2, path.3 and so on.
func newRecorder(path string, core coreHeader) (*recorder, error) {
	name := path
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	for n := 2; errors.Is(err, os.ErrExist); n++ {
		name = fmt.Sprintf("%s.%d", path, n)
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, err
	}
	r := &recorder{file: f, w: bufio.NewWriter(f)}
	if err := r.frame(recordHeader{recordFormat, recordVersion, core}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *recorder) frame(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.sum = chain(r.sum, b)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	_, err = r.w.Write(append(append(head, b...), r.sum[:]...))
	return errors.Join(err, r.w.Flush())
}

func chain(sum [32]byte, b []byte) [32]byte {
	return sha256.Sum256(append(sum[:], b...))
}

func (r *recorder) record(now balancer.Time, ev *balancer.Event, actions []balancer.Action) error {
	if r == nil {
		return nil
	}
	return r.frame(record{now, *ev, actions})
}

func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.w.Flush(), r.file.Close())
}

// ReplayError says where a log and the core part.
type ReplayError struct {
	Record int   // from 1
	Offset int64 // of the record in the file, bytes
	Reason string
}

func (e *ReplayError) Error() string {
	return fmt.Sprintf("record %d at byte %d: %s", e.Record, e.Offset, e.Reason)
}

// Replay feeds a recorded log through the core and compares every action. It
// returns how many records agreed; the error is a *ReplayError where one did
// not, or where the log was altered or cut.
// A log of a policy from a file holds its text, which load makes the policy of.
func Replay(in io.Reader, load PolicyLoader) (records int, err error) {
	r := &replayer{in: bufio.NewReader(in)}
	b, err := r.next()
	if err != nil {
		return 0, err
	}
	var head recordHeader
	if err := strict(b, &head); err != nil || head.Format != recordFormat {
		return 0, r.fail("not the header of an event log")
	}
	if head.Version != recordVersion {
		return 0, r.fail(fmt.Sprintf("version %d; this program reads %d", head.Version, recordVersion))
	}
	if len(head.Core.Weights) != len(head.Core.Routers) {
		return 0, r.fail("as many weights as routers are needed")
	}
	cfg, err := head.Core.config(load)
	if err != nil {
		return 0, r.fail(err.Error())
	}
	core := balancer.New(cfg)
	var actions []balancer.Action
	for {
		r.records++
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return r.records - 1, nil
		}
		if err != nil {
			return r.records - 1, err
		}
		var rec record
		if err := strict(b, &rec); err != nil {
			return r.records - 1, r.fail("not a record: " + err.Error())
		}
		actions = core.Step(rec.Now, &rec.Event, actions[:0])
		got, err := json.Marshal(record{rec.Now, rec.Event, actions})
		if err != nil {
			return r.records - 1, err
		}
		if !bytes.Equal(got, b) {
			return r.records - 1, r.fail("the core decides otherwise: " + firstDifference(b, got))
		}
	}
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// firstDifference shows where two texts part.
func firstDifference(want, got []byte) string {
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	show := func(b []byte) string {
		return string(b[max(0, min(at, len(b))-20):min(len(b), at+60)])
	}
	return fmt.Sprintf("recorded …%s…, now …%s…", show(want), show(got))
}

type replayer struct {
	in      *bufio.Reader
	sum     [32]byte
	records int
	at      int64 // offset of the frame being read
	after   int64
}

func (r *replayer) fail(reason string) error {
	return &ReplayError{Record: r.records, Offset: r.at, Reason: reason}
}

// next reads a frame and checks its sum; io.EOF at the end of the log.
func (r *replayer) next() ([]byte, error) {
	r.at = r.after
	var head [4]byte
	if _, err := io.ReadFull(r.in, head[:]); err == io.EOF {
		return nil, err
	} else if err != nil {
		return nil, r.fail("cut off")
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > frameMax {
		return nil, r.fail("altered: a record of more than 16 MiB")
	}
	b := make([]byte, 0, min(int(n), 1<<16))
	w := bytes.NewBuffer(b)
	if _, err := io.CopyN(w, r.in, int64(n)); err != nil {
		return nil, r.fail("cut off")
	}
	var sum [32]byte
	if _, err := io.ReadFull(r.in, sum[:]); err != nil {
		return nil, r.fail("cut off")
	}
	r.sum = chain(r.sum, w.Bytes())
	if sum != r.sum {
		return nil, r.fail("altered: its checksum is wrong")
	}
	r.after += 4 + int64(n) + 32
	return w.Bytes(), nil
}

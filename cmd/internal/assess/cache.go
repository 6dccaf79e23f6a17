package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A cached population is a file reference-<digest>.json.gz. It is read by nobody
// else and may be removed at any time.
const (
	cacheFormat  = "multihome-reference"
	cacheVersion = 2 // rises when the laws of varied change, which no digest covers
	// maxCache bounds what is read of a file that may be anybody's.
	maxCache = 64 << 20
)

type (
	cacheJSON struct {
		Format  string          `json:"format"`
		Version int             `json:"version"`
		Digest  string          `json:"digest"`
		Numbers []string        `json:"numbers"`
		Kinds   []cacheKindJSON `json:"kinds"`
	}
	cacheKindJSON struct {
		Kind string         `json:"kind"`
		Arms []cacheArmJSON `json:"arms"`
	}
	cacheArmJSON struct {
		Routers  int      `json:"routers"`
		Train    []floats `json:"train"`
		Withheld []floats `json:"withheld"`
	}
)

// digest names what a population was made by: its scenarios, its size and what the
// attacks measured.
func digest(c conditions, n int, numbers []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d\n%d trials\n%s\n", cacheFormat, cacheVersion, n, strings.Join(numbers, "\n"))
	for _, kind := range kinds {
		fmt.Fprintf(h, "%s\n", c.scenarioText(kind))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func cacheFile(dir, digest string) string {
	return filepath.Join(dir, "reference-"+digest[:32]+".json.gz")
}

// errForeign is a file that is whole, but not what was looked for.
var errForeign = errors.New("it is not what this version makes")

// load fills p, which is empty, from a file. An error that is not fs.ErrNotExist
// says what is wrong with the file; then p must not be used.
func (w *worlds) load(ctx context.Context, name, digest string, numbers []string, p *population) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	// All of it, so that gzip compares its checksum.
	data, err := io.ReadAll(io.LimitReader(z, maxCache))
	if err != nil {
		return err
	}
	var form cacheJSON
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	if form.Format != cacheFormat || form.Version != cacheVersion || form.Digest != digest ||
		!slices.Equal(form.Numbers, numbers) || len(form.Kinds) != len(p.kinds) {
		return errForeign
	}
	for i := range p.kinds {
		k, from := &p.kinds[i], &form.Kinds[i]
		if from.Kind != k.kind || len(from.Arms) != len(k.arms) {
			return errForeign
		}
		for j := range k.arms {
			a, from := &k.arms[j], &from.Arms[j]
			if from.Routers != a.routers || !fill(a.train, from.Train, len(numbers)) || !fill(a.withheld, from.Withheld, len(numbers)) {
				return errForeign
			}
		}
	}
	return w.same(ctx, p)
}

func fill(to [][]float64, from []floats, numbers int) bool {
	if len(from) != len(to) {
		return false
	}
	for i, v := range from {
		if v != nil && len(v) != numbers {
			return false
		}
		to[i] = v
	}
	return true
}

// same simulates a few trials anew: if they come out otherwise, the file was made
// by a version whose simulator or attacks were others, which no digest tells.
func (w *worlds) same(ctx context.Context, p *population) error {
	var list []task
	for i := range p.kinds {
		list = append(list, task{kind: i}, task{kind: i, arm: len(p.kinds[i].arms) - 1})
	}
	again := &population{conditions: p.conditions}
	for _, k := range p.kinds {
		k.arms = slices.Clone(k.arms)
		for j := range k.arms {
			k.arms[j].train = slices.Clone(k.arms[j].train)
		}
		again.kinds = append(again.kinds, k)
	}
	if err := w.simulate(ctx, again, list, 0, nil); err != nil {
		return err
	}
	for _, t := range list {
		sameBits := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
		if !slices.EqualFunc(*again.vector(t), *p.vector(t), sameBits) {
			return errForeign
		}
	}
	return nil
}

// store writes p into a file, in one step: whoever reads at the same time finds
// the old one, or none.
func (p *population) store(name, digest string, numbers []string) (err error) {
	form := cacheJSON{Format: cacheFormat, Version: cacheVersion, Digest: digest, Numbers: numbers}
	for i := range p.kinds {
		k := cacheKindJSON{Kind: p.kinds[i].kind}
		for _, a := range p.kinds[i].arms {
			k.Arms = append(k.Arms, cacheArmJSON{Routers: a.routers, Train: asFloats(a.train), Withheld: asFloats(a.withheld)})
		}
		form.Kinds = append(form.Kinds, k)
	}
	data, err := json.Marshal(form)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	// A name of its own: two commands may write at once.
	f, err := os.CreateTemp(filepath.Dir(name), ".reference-*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error says what happened
		}
	}()
	_, err = f.Write(packed.Bytes())
	if err == nil {
		err = f.Sync() // or a power failure could leave an empty file under the name
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

func asFloats(rows [][]float64) []floats {
	list := make([]floats, len(rows))
	for i, v := range rows {
		list[i] = v
	}
	return list
}

// floats is a list of numbers that JSON carries bit for bit, NaN included; null if
// there is none.
type floats []float64

// MarshalJSON implements json.Marshaler.
func (f floats) MarshalJSON() ([]byte, error) {
	if f == nil {
		return []byte("null"), nil
	}
	raw := make([]byte, 0, 8*len(f))
	for _, x := range f {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(raw))
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *floats) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*f = nil
	if text == nil {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(*text)
	if err != nil || len(raw)%8 != 0 {
		return errors.New("a list of numbers is damaged")
	}
	*f = make(floats, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		*f = append(*f, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	return nil
}

// get returns the population for some conditions: from the cache, or simulated and
// kept there. A cache that does not work costs time and no more.
func (r *References) get(ctx context.Context, c conditions, numbers []string) (*population, error) {
	n := r.Trials
	if n == 0 {
		n = defaultTrials
	}
	w, err := worldsOf(c)
	if err != nil {
		return nil, err
	}
	sum := digest(c, n, numbers)
	if r.Dir != "" {
		p := w.empty(c, n)
		name := cacheFile(r.Dir, sum)
		switch err := w.load(ctx, name, sum, numbers, p); {
		case err == nil:
			return p, nil
		case errors.Is(err, ErrStopped):
			return nil, err
		case !errors.Is(err, fs.ErrNotExist):
			r.warn(fmt.Sprintf("the reference in %s is not used: %v; it is simulated again", name, err))
		}
	}
	p := w.empty(c, n)
	if err := w.simulate(ctx, p, p.tasks(), r.Workers, r.Progress); err != nil {
		return nil, err
	}
	if r.Dir != "" {
		if err := p.store(cacheFile(r.Dir, sum), sum, numbers); err != nil {
			r.warn(fmt.Sprintf("the reference is not kept, and will be simulated again the next time: %v", err))
		}
	}
	return p, nil
}

func (r *References) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

package game

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// record is what is kept of a trial. It is stored as one line of JSON, floats
// as the base64 of their bits, so that a resumed run reduces to the same bytes
// as one that was never interrupted.
type record struct {
	ID TrialID `json:"id"`
	// Vectors are the features of the trial, one for each look of its unit; nil
	// where the trace held too little.
	Vectors vectors `json:"vectors,omitempty"`
	// Own are what the untrained attacks say of a test trial, by look. Together
	// with the vectors they are all that a verdict needs, so that a test trial can
	// be simulated before, and elsewhere than, the attacks are trained.
	Own []verdict `json:"own,omitempty"`
	// Values are the trial's metrics in the order of trialMetrics.
	Values floats `json:"values,omitempty"`
	// Distinct, Leases: published LeaseSets by distinct IBGWs and by leases,
	// index 0 standing for none.
	Distinct []int64 `json:"distinct,omitempty"`
	// Growth is the number of distinct IBGWs at every ten minutes.
	Growth []int32 `json:"growth,omitempty"`
	// Load is the number of messages at floodfills in every ten minutes.
	Load []int64 `json:"load,omitempty"`
	// Tiers are the mean fast tier sizes of the routers.
	Tiers floats `json:"tiers,omitempty"`
}

// verdict is what an attack says of a test trial.
type verdict struct {
	Score   float64
	Routers float64 // NaN where there is no estimate
}

// MarshalJSON implements json.Marshaler.
func (v verdict) MarshalJSON() ([]byte, error) { return json.Marshal(floats{v.Score, v.Routers}) }

// UnmarshalJSON implements json.Unmarshaler.
func (v *verdict) UnmarshalJSON(b []byte) error {
	var f floats
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if len(f) != 2 {
		return fmt.Errorf("a verdict has 2 numbers, not %d", len(f))
	}
	v.Score, v.Routers = f[0], f[1]
	return nil
}

// floats is a list of float64 that JSON carries bit for bit, NaN included.
type floats []float64

// MarshalJSON implements json.Marshaler.
func (f floats) MarshalJSON() ([]byte, error) {
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
		return fmt.Errorf("%q is not the base64 of 64-bit floats", *text)
	}
	for ; len(raw) > 0; raw = raw[8:] {
		*f = append(*f, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	return nil
}

// vectors are lists of floats of which some are the same: two attacks may look at
// the same numbers. JSON carries the index of the first in place of the others.
type vectors []floats

// MarshalJSON implements json.Marshaler.
func (v vectors) MarshalJSON() ([]byte, error) {
	list := make([]any, len(v))
	for i, f := range v {
		list[i] = f
		if first := slices.IndexFunc(v[:i], f.same); first >= 0 {
			list[i] = first
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *vectors) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*v = make(vectors, len(list))
	for i, text := range list {
		if len(text) > 0 && text[0] != '"' {
			var first int
			if err := json.Unmarshal(text, &first); err != nil || first < 0 || first >= i {
				return fmt.Errorf("%s is neither a vector nor the number of an earlier one", text)
			}
			(*v)[i] = (*v)[first]
			continue
		}
		if err := json.Unmarshal(text, &(*v)[i]); err != nil {
			return err
		}
	}
	return nil
}

// same tells whether two lists that hold anything are the same bit for bit.
func (f floats) same(g floats) bool {
	return len(f) > 0 && slices.EqualFunc(f, g, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

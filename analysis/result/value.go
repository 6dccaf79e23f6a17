package result

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Value is the value of a param: a string, a number or a truth value. The
// zero Value is the empty string.
type Value struct {
	kind valueKind
	text string
	num  float64
	flag bool
}

type valueKind uint8

const (
	stringValue valueKind = iota
	numberValue
	boolValue
)

// String returns a Value that holds s.
func String(s string) Value { return Value{kind: stringValue, text: s} }

// Number returns a Value that holds f. A param must be finite: an encoder
// refuses anything else.
func Number(f float64) Value { return Value{kind: numberValue, num: f + 0} }

// Bool returns a Value that holds b.
func Bool(b bool) Value { return Value{kind: boolValue, flag: b} }

// ValueOf converts what a decoded scenario holds at a leaf. Durations and
// other named strings go in as their text.
func ValueOf(v any) (Value, error) {
	switch v := v.(type) {
	case Value:
		return v, nil
	case string:
		return String(v), nil
	case bool:
		return Bool(v), nil
	case int:
		return Number(float64(v)), nil
	case int64:
		return Number(float64(v)), nil
	case uint64:
		return Number(float64(v)), nil
	case float64:
		return Number(v), nil
	case fmt.Stringer:
		return String(v.String()), nil
	}
	return Value{}, fmt.Errorf("result: a param holds a string, a number or a truth value, not %T", v)
}

// Float returns the number in v, and whether v holds one.
func (v Value) Float() (float64, bool) { return v.num, v.kind == numberValue }

// String returns v as a scenario file would write it.
func (v Value) String() string {
	switch v.kind {
	case numberValue:
		return formatFloat(v.num)
	case boolValue:
		if v.flag {
			return "true"
		}
		return "false"
	}
	return v.text
}

// appendJSON appends v as a JSON scalar.
func (v Value) appendJSON(b []byte) []byte {
	if v.kind == stringValue {
		return appendString(b, v.text)
	}
	return append(b, v.String()...)
}

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

// A Param is one setting of a cell: a dotted path into the scenario, such as
// destination.routers.count, and the value the cell ran with.
type Param struct {
	Path  string
	Value Value
}

// formatFloat writes f as encoding/json does: the shortest decimal that reads
// back as f, with an exponent only for very large and very small numbers.
func formatFloat(f float64) string {
	b, err := json.Marshal(f + 0)
	if err != nil { // NaN or infinite: callers rule it out
		return "null"
	}
	return string(b)
}

// appendString appends s as a JSON string that escapes no more than it must.
func appendString(b []byte, s string) []byte {
	var buf strings.Builder
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes, and a Builder never fails
	return append(b, strings.TrimSuffix(buf.String(), "\n")...)
}

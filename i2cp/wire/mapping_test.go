package wire

import (
	"maps"
	"slices"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestMapping(t *testing.T) {
	want := map[string]string{"_smtp._tcp": "0 999999 25", "": "", "ä": "ö"}
	m, err := NewMapping(want)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Sorted() || m.Len() != 3 || m.Size() != len(m.Append(nil)) {
		t.Errorf("%+v", m)
	}
	if got := maps.Collect(m.All()); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for key := range m.All() {
		if key != "" {
			t.Errorf("the first key is %q", key)
		}
		break
	}
	if v, ok := m.Get("ä"); v != "ö" || !ok {
		t.Errorf("%q, %v", v, ok)
	}
	if v, ok := m.Get("b"); ok {
		t.Errorf("b is %q", v)
	}
	if m := (Mapping{}); m.Len() != 0 || !m.Sorted() || string(m.Append(nil)) != "\x00\x00" {
		t.Error("the zero Mapping is not empty")
	}
}

// units is what Java's String.compareTo compares.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

// TestKeyOrder compares keys with a second, dumber implementation.
func TestKeyOrder(t *testing.T) {
	key := rapid.StringOfN(rapid.RuneFrom([]rune{'a', 'b', 'ä', 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10001, 0x10ffff}), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		got, want := compareKeys(a, b), slices.Compare(units(a), units(b))
		if got < 0 != (want < 0) || got > 0 != (want > 0) {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

// TestMappingPairs holds NewMapping and ParseMapping to a map.
func TestMappingPairs(t *testing.T) {
	pairs := rapid.MapOfN(rapid.StringN(0, 20, 255), rapid.StringN(0, 20, 255), 0, 20)
	rapid.Check(t, func(t *rapid.T) {
		want := pairs.Draw(t, "pairs")
		m, err := NewMapping(want)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := ParseMapping(m.Append(nil))
		if err != nil || len(rest) != 0 {
			t.Fatalf("%v, %d left", err, len(rest))
		}
		if !got.Sorted() || !maps.Equal(maps.Collect(got.All()), want) {
			t.Fatalf("%v, want %v", maps.Collect(got.All()), want)
		}
		for key, value := range want {
			if v, ok := got.Get(key); v != value || !ok {
				t.Fatalf("%q is %q", key, v)
			}
		}
	})
}

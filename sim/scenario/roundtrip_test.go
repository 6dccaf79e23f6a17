package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/sim"
)

// drawMap writes a flow map of some keys of s with values that the table
// allows.
func drawMap(t *rapid.T, s *spec, entries bool) string {
	var parts []string
	kind := ""
	for _, c := range s.children {
		if c.only != nil && !slices.Contains(c.only, kind) {
			continue
		}
		if c.isKind {
			kind = c.Default // should it not be written
		}
		if c.Type == Grid || c.Type == Settings || c.name == "figures" || entries && c.shared() {
			continue
		}
		if !c.required && rapid.IntRange(0, 3).Draw(t, c.dotted()+"?") > 0 {
			continue
		}
		if text := drawValue(t, c); text != "" {
			parts = append(parts, c.name+": "+text)
			if c.isKind {
				kind = text
			}
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func drawValue(t *rapid.T, s *spec) string {
	label := s.dotted()
	switch {
	case s.short != "" && rapid.Bool().Draw(t, label+" short"):
		return drawValue(t, s.child(s.short))
	case s.isChoice() && rapid.Bool().Draw(t, label+" map"):
		return drawMap(t, s, false)
	}
	lo, hi := limits(s)
	if len(s.Words) > 0 && s.Type != Enum && rapid.Bool().Draw(t, label+" word") {
		return rapid.SampledFrom(s.Words).Draw(t, label)
	}
	switch s.Type {
	case Int:
		return fmt.Sprint(rapid.Int64Range(lo.(int64), hi.(int64)).Draw(t, label))
	case Float:
		return formatFloat(rapid.Float64Range(lo.(float64), hi.(float64)).Draw(t, label))
	case Bool:
		return fmt.Sprint(rapid.Bool().Draw(t, label))
	case Duration:
		return formatDuration(sim.Time(rapid.Int64Range(int64(lo.(sim.Time)), int64(hi.(sim.Time))).Draw(t, label)))
	case DurationList:
		return "[1m]"
	case FloatList:
		return "[0.5, 2]"
	case Enum:
		return rapid.SampledFrom(simulatedWords(s)).Draw(t, label)
	case NameList:
		return "[" + rapid.SampledFrom(testNames.Attacks).Draw(t, label) + "]"
	case String:
		switch {
		case testNames.of(s) != nil:
			return rapid.SampledFrom(testNames.of(s)).Draw(t, label)
		case isName(s):
			return rapid.StringMatching(`"[a-z0-9][a-z0-9_-]{0,9}"`).Draw(t, label)
		}
		return formatScalar(s, "x"+rapid.String().Draw(t, label))
	case Map:
		return drawMap(t, s, false)
	case List, MapOrList:
		if s.Type == MapOrList && rapid.Bool().Draw(t, label+" map") {
			return drawMap(t, s, false)
		}
		var items []string
		for range rapid.IntRange(1, 3).Draw(t, label+" entries") {
			items = append(items, drawMap(t, s, s.Type == MapOrList))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return ""
}

// TestCanonicalFormIsTheSameScenario: what Parse takes, its canonical form
// says again, and the canonical form of that is itself.
func TestCanonicalFormIsTheSameScenario(t *testing.T) {
	taken, drawn := 0, 0
	schema := compileSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		text := drawMap(t, tree(), false)
		if rapid.Bool().Draw(t, "sweep?") {
			text = strings.TrimSuffix(text, "}") + ", sweep: {destination.routers.hops: [1, 2], network.store_loss: [0, 0.1]}}"
		}
		drawn++
		s, err := Parse("drawn.yaml", []byte(text), testNames)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%#v", err)
			}
			return // rules that join several keys
		}
		taken++
		sameAgain(t, s)
		if err := validate(t, schema, []byte(text)); err != nil {
			t.Fatalf("taken, but not by the schema: %v\n%s", err, text)
		}
	})
	if taken < drawn/20 {
		t.Errorf("only %d of %d drawn scenarios were taken: the test shows little", taken, drawn)
	}
	t.Logf("%d of %d drawn scenarios were taken", taken, drawn)
}

type fataler interface{ Fatalf(string, ...any) }

// sameAgain parses the canonical form and compares.
func sameAgain(t fataler, s *Scenario) {
	form := s.Resolved()
	again, err := Parse(s.Name+".yaml", form, s.names)
	if err != nil {
		t.Fatalf("canonical form is not taken: %v\n%s", err, form)
	}
	if !bytes.Equal(again.Resolved(), form) || again.Digest() != s.Digest() {
		t.Fatalf("canonical forms differ:\n%s\n%s", form, again.Resolved())
	}
	a, b := s.Cells(), again.Cells()
	if len(a) != len(b) || len(s.Figures) != len(again.Figures) {
		t.Fatalf("%d cells and %d cells", len(a), len(b))
	}
	for i := range a {
		if !reflect.DeepEqual(a[i].World, b[i].World) || !reflect.DeepEqual(a[i].Reference, b[i].Reference) ||
			a[i].Train != b[i].Train || s.Grid == nil && !reflect.DeepEqual(a[i].Grid, b[i].Grid) {
			t.Fatalf("cell %d differs:\n%+v\n%+v\nof\n%s", i, a[i], b[i], form)
		}
	}
}

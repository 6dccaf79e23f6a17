package scenario

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"multihome.i2p/sim"
)

const plainText = `
question: Are four told from one?
adversaries: [{name: poller, horizons: [1h, 6h, 24h]}]
`

func TestDefaults(t *testing.T) {
	s := mustParse(t, plainText)
	d, r := s.World.Destination, s.Reference.Destination
	if s.Seed != 140 || s.Trials != 100 || s.Train != 50 || s.World.Duration != sim.Day || s.World.Warmup != 3*sim.Hour {
		t.Errorf("got %+v", s)
	}
	if d.Scheme != sim.SchemeP140 || len(d.Routers) != 4 || d.Leases != 16 || d.Policy.Name != "per-router" || d.PublishSpacing != -1 {
		t.Errorf("policy arm: %+v", d)
	}
	if r.Scheme != sim.SchemeSingle || len(r.Routers) != 1 || r.Leases != 16 || r.Policy != (sim.Policy{}) {
		t.Errorf("reference arm: %+v", r)
	}
	if r.Routers[0] != d.Routers[0] || d.Routers[3] != d.Routers[0] {
		t.Error("routers differ")
	}
	a := s.World.Adversaries[0]
	if !slices.Equal(a.Attacks, testNames.Attacks) || a.Every != 10*sim.Minute {
		t.Errorf("adversary: %+v", a)
	}
}

func TestReferenceLaysItsKeysOverTheDestinations(t *testing.T) {
	s := mustParse(t, `
question: why?
destination:
  leases: 12
  routers:
    - {kind: i2pd, hops: 2, overlap: 0.3}
    - {kind: java, fast_tier: {size: 30}}
  policy: {name: superset, publisher: rotate}
faults: [{kind: crash, router: 2}, {kind: crash}]
reference: {scheme: single, routers: {count: 1, fast_tier: {size: 50}}}
`)
	d, r := s.World.Destination, s.Reference.Destination
	if d.Overlap != 0.3 || d.Routers[0].Reuse != 1 || d.Routers[1].Reuse != 0.75 || d.Routers[1].FastTier != (sim.FastTier{Mode: "size", Size: 30}) {
		t.Errorf("policy arm: %+v", d)
	}
	if len(r.Routers) != 1 || r.Routers[0].Kind != sim.I2pd || r.Routers[0].Hops != 2 || r.Routers[0].FastTier.Size != 50 || r.Overlap != 0.3 || r.Leases != 12 {
		t.Errorf("reference arm: %+v", r)
	}
	if len(s.World.Faults) != 2 || len(s.Reference.Faults) != 1 || s.Reference.Faults[0].Router != -1 || s.World.Faults[0].Router != 1 {
		t.Errorf("faults: %+v and %+v", s.World.Faults, s.Reference.Faults)
	}
	// Without a count the reference changes each router.
	s = mustParse(t, `
question: why?
destination: {routers: [{kind: i2pd}, {kind: java}], policy: {name: superset, publisher: rotate}}
reference: {routers: {hops: 1}, policy: shared-key}
`)
	r = s.Reference.Destination
	if len(r.Routers) != 2 || r.Routers[0].Kind != sim.I2pd || r.Routers[1].Kind != sim.Java || r.Routers[1].Hops != 1 {
		t.Errorf("reference arm: %+v", r)
	}
	if r.Policy.Name != "shared-key" || r.Policy.Publisher != "rotate" || r.Scheme != sim.SchemeP140 {
		t.Errorf("reference policy: %+v", r.Policy)
	}
}

func TestSweep(t *testing.T) {
	s := mustParse(t, plainText+`
sweep:
  destination.routers.count: [1, 2]
  destination.routers.fast_tier.size: [30, 75]
  destination.policy: [per-router, superset]
  duration: [2h]
`)
	cells := s.Cells()
	if len(cells) != 8 {
		t.Fatalf("%d cells", len(cells))
	}
	c := cells[6] // 2, 75, per-router
	if len(c.World.Destination.Routers) != 2 || c.World.Destination.Routers[1].FastTier.Size != 75 || c.World.Destination.Policy.Name != "per-router" {
		t.Errorf("got %+v", c.World.Destination)
	}
	if h := c.World.Adversaries[0].Horizons; !slices.Equal(h, []sim.Time{sim.Hour, 2 * sim.Hour}) {
		t.Errorf("horizons %v", h)
	}
	if c.Reference.Destination.Routers[0].FastTier.Size != 75 {
		t.Error("the reference does not follow the sweep")
	}
	want := []Param{
		{"destination.policy", "per-router"},
		{"destination.routers.count", int64(2)},
		{"destination.routers.fast_tier.size", int64(75)},
		{"destination.scheme", "p140"},
		{"duration", "2h"},
	}
	if got := c.Params(PolicyArm); !slices.Equal(got, want) {
		t.Errorf("params %v", got)
	}
	want[1].Value, want[3].Value = int64(1), "single"
	if got := c.Params(ReferenceArm); !slices.Equal(got, want[1:]) {
		t.Errorf("params %v", got)
	}
	seen := map[string]bool{s.Digest(): true}
	for _, c := range cells {
		if seen[c.Digest()] {
			t.Error("two cells have one digest")
		}
		seen[c.Digest()] = true
	}
}

func TestSweepThroughListSetsEveryEntry(t *testing.T) {
	s := mustParse(t, `
question: why?
destination: {routers: [{kind: java, hops: 1}, {kind: i2pd}]}
sweep: {destination.routers.hops: [2, 3], destination.routers.overlap: [0.2], reference.leases: [4, 8]}
`)
	for i, c := range s.Cells() {
		d := c.World.Destination
		if d.Routers[0].Hops != 2+i/2 || d.Routers[1].Hops != 2+i/2 || d.Overlap != 0.2 || d.Leases != 16 || c.Reference.Destination.Leases != 4+4*(i%2) {
			t.Errorf("cell %d: %+v", i, d)
		}
	}
}

func TestOverrides(t *testing.T) {
	s := mustParse(t, plainText)
	next, err := s.With(Override{"--trials", "trials", "7"}, Override{"--seed", "seed", "3"}, Override{"--duration", "duration", "12h"})
	if err != nil {
		t.Fatal(err)
	}
	if next.Trials != 7 || next.Seed != 3 || next.Train != 4 || next.World.Duration != 12*sim.Hour || next.Name != s.Name {
		t.Errorf("got %+v", next)
	}
	if h := next.World.Adversaries[0].Horizons; !slices.Equal(h, []sim.Time{sim.Hour, 6 * sim.Hour, 12 * sim.Hour}) {
		t.Errorf("horizons %v", h)
	}
	if s.Trials != 100 || s.Digest() == next.Digest() {
		t.Error("the overrides changed the scenario that they were laid over")
	}
	for _, tt := range []struct{ flag, path, value, want string }{
		{"--trials", "trials", "0", "--trials: trials cannot be 0; it goes from 1 to 1000000"},
		{"--trials", "trials", "many", `--trials: trials wants a whole number, not the text "many"`},
		{"--seed", "seed", "-1", "--seed: seed cannot be -1; it goes from 0 to 9223372036854775807"},
		{"--duration", "duration", "24", "--duration: duration lacks a unit of time; write 24s, 24m, 24h or 24d"},
		{"--duration", "duration", "", `--duration: duration wants a duration such as 90s, 10m or 24h, not nothing`},
		{"--set", "destination.leases", "17", "--set: a LeaseSet holds no 17 leases in scheme p140; write at most 16"},
		{"--set", "nosuch", "17", `--set: --set names the unknown key "nosuch"; write a dotted path such as destination.routers.count`},
	} {
		if _, err := s.With(Override{tt.flag, tt.path, tt.value}); err == nil || err.Error() != tt.want {
			t.Errorf("%s %s:\n got %v\nwant %s", tt.flag, tt.value, err, tt.want)
		}
	}
	// A shorter run leaves later faults out, and its canonical form says so.
	faulty := mustParse(t, plainText+"faults: [{kind: crash, at: 1h}, {kind: stall, at: 20h}]\n")
	short, err := faulty.With(Override{"--duration", "duration", "6h"})
	if err != nil {
		t.Fatal(err)
	}
	if len(short.World.Faults) != 1 || len(faulty.World.Faults) != 2 {
		t.Errorf("faults %+v", short.World.Faults)
	}
	sameAgain(t, short)
	swept := mustParse(t, plainText+"sweep: {duration: [25h, 30h]}\n")
	if _, err := swept.With(Override{"--duration", "duration", "12h"}); err == nil ||
		err.Error() != "--duration: the scenario sweeps duration; take it out of the sweep" {
		t.Errorf("got %v", err)
	}
}

// TestEqualRoutersAreOneSpelling: a list of equal routers and a map with their
// count are the same run.
func TestEqualRoutersAreOneSpelling(t *testing.T) {
	a := mustParse(t, "question: why?\ndestination: {routers: {count: 2, kind: i2pd}}\n")
	b := mustParse(t, "# a comment\nquestion: 'why?'\ndestination: {routers: [{kind: i2pd, hops: 3}, {kind: i2pd}]}\n")
	if a.Digest() != b.Digest() {
		t.Errorf("two spellings of one scenario differ:\n%s\n%s", a.Resolved(), b.Resolved())
	}
}

// TestKeysOfOneVantage: a sweep sets a key in those entries that it counts for, and
// the canonical form writes it there only.
func TestKeysOfOneVantage(t *testing.T) {
	s := mustParse(t, `
question: why?
adversaries: [{name: poller, every: 1m}, {name: ff, vantage: floodfill, placement: targeted}, {name: peer, vantage: peer}]
sweep: {adversaries.share: [0.1, 0.2]}
`)
	sameAgain(t, s)
	for i, c := range s.Cells() {
		a := c.World.Adversaries
		if want := float64(i+1) / 10; a[0].Share != 0 || a[2].Share != want || a[0].Every != sim.Minute || a[1].Every != 0 {
			t.Errorf("cell %d: %+v", i, a)
		}
		sameAgain(t, c)
	}
	if n := strings.Count(string(s.Resolved()), "    placement:"); n != 1 {
		t.Errorf("the canonical form says %d times where floodfills stand", n)
	}
	// What is left of another kind does not count any more.
	swept := mustParse(t, `
question: why?
adversaries: [{name: ff, vantage: floodfill, placement: targeted}]
sweep: {adversaries.vantage: [floodfill, netdb, client, peer]}
`)
	for _, c := range swept.Cells() {
		sameAgain(t, c)
	}
}

// TestEveryFieldHasAKey sets each key to something else and looks for fields of
// the world that no key moves.
func TestEveryFieldHasAKey(t *testing.T) {
	base := mustParse(t, `
question: why?
faults: [{kind: crash, at: 1h}, {kind: skew, step: 1s}]
adversaries: [{name: poller}, {name: ff, vantage: floodfill}, {name: client, vantage: client}, {name: peer, vantage: peer}]
`)
	moved := map[string]bool{}
	for _, path := range append(sweepable(true), "adversaries.attacks", "adversaries.horizons", "adversaries.prior", "adversaries.name", "destination.policy.source") {
		if strings.HasPrefix(path, "reference") {
			continue
		}
		for _, x := range otherValues(path) {
			root, err := apply(base.root, path, x)
			if err != nil {
				t.Fatal(err)
			}
			w := bind(&Scenario{}, testNames, root, root.at("destination"))
			differing(reflect.ValueOf(base.World), reflect.ValueOf(w), "Config", moved)
		}
	}
	missing(reflect.TypeFor[sim.Config](), "Config", moved, func(path string) {
		t.Errorf("no key fills %s", path)
	})
}

// otherValues returns values for a key that differ from its default.
func otherValues(path string) []*value {
	s := find(path)
	if s.short != "" {
		s = s.child(s.short)
	}
	scalar := func(x any) *value { return &value{spec: s, scalar: x} }
	lo, hi := limits(s)
	switch s.Type {
	case Bool:
		return []*value{scalar(true), scalar(false)}
	case NameList, DurationList, FloatList:
		x := map[Type]any{NameList: "distinct", DurationList: sim.Hour, FloatList: 2.0}[s.Type]
		return []*value{{spec: s, shape: listShape, items: []*value{scalar(x)}}}
	case String:
		return []*value{{spec: s, scalar: "other", maker: testMaker("other")}}
	}
	var out []*value
	for _, w := range s.Words {
		out = append(out, scalar(w))
	}
	for _, x := range []any{lo, hi} {
		if x != nil {
			out = append(out, scalar(x))
		}
	}
	return out
}

// differing marks the leaves in which a and b differ.
func differing(a, b reflect.Value, path string, moved map[string]bool) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			differing(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name, moved)
		}
	case reflect.Slice:
		if a.Len() != b.Len() || a.Len() == 0 || a.Index(0).Kind() != reflect.Struct {
			if !reflect.DeepEqual(a.Interface(), b.Interface()) {
				moved[path] = true
			}
			return
		}
		for i := range a.Len() {
			differing(a.Index(i), b.Index(i), path+"[]", moved)
		}
	default:
		if !a.Equal(b) {
			moved[path] = true
		}
	}
}

// missing reports the leaves of a type that are not marked.
func missing(t reflect.Type, path string, moved map[string]bool, report func(string)) {
	switch {
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			missing(t.Field(i).Type, path+"."+t.Field(i).Name, moved, report)
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		missing(t.Elem(), path+"[]", moved, report)
	case !moved[path]:
		report(path)
	}
}

func TestKeysAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		s := find(strings.ReplaceAll(k.Path, "[]", ""))
		if s == nil || seen[k.Path] {
			t.Errorf("%s is not found, or declared twice", k.Path)
			continue
		}
		seen[k.Path] = true
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: its meaning is %q", k.Path, k.Doc)
		}
		if k.Default == "" && !s.required {
			t.Errorf("%s has no default and is not required", k.Path)
		}
		if k.Assumed() != strings.Contains(k.Source, "assumption") {
			t.Errorf("%s: source %q", k.Path, k.Source)
		}
	}
	for _, r := range unsimulated {
		s := find(r.path)
		if s == nil {
			t.Errorf("refusal of the unknown key %s", r.path)
			continue
		}
		for _, w := range r.words {
			if !slices.Contains(s.Words, w) {
				t.Errorf("refusal of the unknown value %s of %s", w, r.path)
			}
		}
	}
}

func TestAssumptions(t *testing.T) {
	s := mustParse(t, "question: why?\ndestination: {routers: {build_success: 0.5}}\n")
	found := false
	for _, a := range s.Assumptions() {
		if a.Path == "destination.routers[].build_success" {
			found = a.Assumed() && a.Value == "0.5" && a.Written
		}
		if a.Source == "" || a.Value == "" {
			t.Errorf("%+v", a)
		}
	}
	if !found {
		t.Error("build_success is not listed")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]sim.Time{
		"24h": sim.Day, "1d": sim.Day, "7d": 7 * sim.Day, "1d12h": 36 * sim.Hour, "1.5d": 36 * sim.Hour, "-10m": -10 * sim.Minute,
		"90s": 90 * sim.Second, "1h30m": 90 * sim.Minute, "0s": 0, "250ms": 250 * sim.Millisecond,
	} {
		got, ok := parseDuration(text)
		if !ok || got != want {
			t.Errorf("%s is %d, %v", text, got, ok)
		}
		again, ok := parseDuration(formatDuration(got))
		if !ok || again != got {
			t.Errorf("%s is written as %s", text, formatDuration(got))
		}
	}
	for _, text := range []string{"", "-", "0", "5", "d", "1h1d", "1d1d", "1e3s", ".5h", "1 h", "--1s", "1w", "300000d", "99999999999999999999h", "1d-2h"} {
		if d, ok := parseDuration(text); ok {
			t.Errorf("%q is taken as %d", text, d)
		}
	}
}

// TestVariants: each variant plays the whole sweep, and a sweep or a flag wins over
// what it sets.
func TestVariants(t *testing.T) {
	s := mustParse(t, `
question: which?
variants:
  - {name: one, set: {destination.scheme: meta, destination.routers.count: 2}}
  - {name: two, set: {destination.leases: 8}}
sweep: {destination.routers.count: [4, 8]}
`)
	var got []string
	for _, c := range s.Cells() {
		d := c.World.Destination
		got = append(got, fmt.Sprint(c.Grid[0].Value, " ", d.Scheme, " ", len(d.Routers), " ", d.Leases))
		if name := c.Params(PolicyArm); !slices.Contains(name, Param{VariantPath, c.Grid[0].Value}) {
			t.Errorf("the params %v do not name the variant", name)
		}
	}
	want := []string{"one meta 4 16", "one meta 8 16", "two p140 4 8", "two p140 8 8"}
	if !slices.Equal(got, want) {
		t.Errorf("cells %q, want %q", got, want)
	}
	s, err := s.With(Override{"--leases", "destination.leases", "4"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Cells() {
		if n := c.World.Destination.Leases; n != 4 {
			t.Errorf("%d leases, want the flag's 4", n)
		}
	}
}

// TestMimicFollowsJava: where no router builds on command there is nothing to imitate
// with, and the router that is imitated has to be a Java router.
func TestMimicFollowsJava(t *testing.T) {
	names := Names{Policies: []string{"mimic", "natural-i2pd"}}
	for destination, want := range map[string]string{
		"{policy: mimic, routers: [{kind: i2pd, speaks: stock}, {kind: i2pd, speaks: stock}]}": "2:23: stock routers build no tunnel on command",
		"{policy: {name: mimic, imitate: i2pd}, routers: {count: 2}}":                          "2:46: policy mimic cannot imitate i2pd",
		"{policy: mimic, routers: {count: 2, kind: i2pd}}":                                     "2:56: policy mimic shows what its first router does",
		"{policy: mimic, routers: [{kind: java}, {kind: i2pd}]}":                               "2:61: policy mimic shows what its first router does",
		"{policy: mimic, start_together: true, routers: [{kind: java}, {kind: i2pd}]}":         "",
	} {
		_, err := Parse("x.yaml", []byte("question: why?\ndestination: "+destination+"\n"), names)
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), "x.yaml:"+want)):
			t.Errorf("%s: got %v", destination, err)
		}
	}
}

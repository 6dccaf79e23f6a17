package result_test

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"multihome.i2p/analysis/result"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the diff before committing it")

var nan = math.NaN()

// exampleSummary has every feature of a summary: two grid points, both arms,
// an expected value, undefined numbers, and text that CSV and JSON must quote.
func exampleSummary() *result.Summary {
	s := &result.Summary{Scenario: "four-routers", Seed: 1<<63 + 1, Trials: 200, Commit: "0123abc"}
	for _, count := range []float64{2, 4} {
		policy := result.Cell{Arm: result.Policy}
		policy.SetParam("destination.scheme", result.String("p140"))
		policy.SetParam("destination.routers.count", result.Number(count))
		policy.SetParam("destination.policy", result.String(`per-router, "default"`))
		policy.SetParam("clients.enabled", result.Bool(false))
		expected := 8.4 + count
		policy.Set("distinct_ibgw_per_leaseset", result.Metric{Center: 8 + count, Lo: 7.5 + count, Hi: 8.75 + count, Confidence: 0.95, N: 200, Unit: "routers", Expected: &expected})
		policy.Set("attack.best.auc", result.Metric{Center: 0.875, Lo: 0.8, Hi: 0.93, Confidence: 0.95, N: 200, Unit: "1"})
		policy.Set("poller.attack.chao1.auc@1h", result.Undefined(0, "1"))
		policy.Set("netdb_bytes_per_10min", result.Metric{Center: 1.25e-7, Lo: math.Inf(-1), Hi: 1e21, Confidence: 0.95, N: 200, Unit: "B/10min"})
		reference := result.Cell{Arm: result.Reference}
		reference.Warn("a reference of <1> router & no more")
		reference.SetParam("destination.scheme", result.String("single"))
		reference.Set("leases_per_leaseset", result.Exact(6, 200, "leases"))
		s.Cells = append(s.Cells, policy, reference)
	}
	return s
}

func exampleFigures() *result.Figures {
	return &result.Figures{
		Text: result.Text{
			Title: "Four routers", Question: "Can they be told from one?", Answer: "Yes: AUC 0.88 (0.80 to 0.93).",
			AnswerDetail: "For 24 h.", Command: "mhsim run four-routers --seed 140",
			Assumptions: []result.Assumption{{Text: "Fast tiers", Source: "SWARM-I2P", Key: "destination.routers.fast_tier", Value: "swarm"}},
			Limits:      []string{"Clients can count routers."},
			Table: result.Table{
				Caption: "Schemes", Columns: []string{"scheme", "publishes"}, Rows: [][]string{{"meta", "4.5 [4, 5]"}, {"p140", "1"}},
			},
		},
		Figures: []result.Figure{
			{
				ID: "roc", Title: "ROC", Kind: result.ROC,
				X: result.Axis{Label: "False positive rate", Unit: "1", Scale: result.Log}, Y: result.Axis{Label: "True positive rate", Unit: "1"},
				Series: []result.Series{{
					Label: "poller", Arm: result.Policy, X: []float64{0, 0.5, 1}, Y: []float64{0, nan, 1},
					Lo: []float64{0, 0.25, 1}, Hi: []float64{0.125, 0.75, 1}, Confidence: 0.95, N: 200,
				}},
				Note: "Pointwise band.",
			},
			{
				ID: "by-policy", Title: "By policy", Kind: result.Sweep,
				X:      result.Axis{Label: "policy", Unit: "1", Categories: []string{"per-router", "mimic"}},
				Y:      result.Axis{Label: "AUC", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
				Series: []result.Series{{Label: "policy", Arm: result.Policy, X: []float64{0, 1}, Y: []float64{0.9, 0.5}}},
			},
		},
	}
}

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run go test -update and read the diff\ngot:\n%s", path, got)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGoldenFiles(t *testing.T) {
	golden(t, "summary.golden.json", must[[]byte](t)(exampleSummary().Encode()))
	golden(t, "figures.golden.json", must[[]byte](t)(exampleFigures().Encode()))
	var csv bytes.Buffer
	if err := result.WriteCSV(&csv, exampleSummary()); err != nil {
		t.Fatal(err)
	}
	golden(t, "results.golden.csv", csv.Bytes())
}

// What the writers write, the shipped schemas accept.
func TestSchemas(t *testing.T) {
	files := map[string][][]byte{
		"summary": {must[[]byte](t)(exampleSummary().Encode()), must[[]byte](t)((&result.Summary{Scenario: "empty"}).Encode())},
		"figures": {must[[]byte](t)(exampleFigures().Encode()), must[[]byte](t)((&result.Figures{}).Encode())},
	}
	for _, name := range result.Schemas() {
		schema := compileSchema(t, name)
		for i, data := range files[name] {
			v := must[any](t)(jsonschema.UnmarshalJSON(bytes.NewReader(data)))
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s %d: %v", name, i, err)
			}
		}
		bad := bytes.Replace(files[name][0], []byte(`"version": 1`), []byte(`"version": 1, "extra": 0`), 1)
		if schema.Validate(must[any](t)(jsonschema.UnmarshalJSON(bytes.NewReader(bad)))) == nil {
			t.Errorf("%s: the schema accepts an unknown key", name)
		}
	}
	if result.Schema("nothing") != nil {
		t.Error("a schema for an unknown name")
	}
}

func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	doc := must[any](t)(jsonschema.UnmarshalJSON(bytes.NewReader(result.Schema(name))))
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("urn:test:"+name, doc); err != nil {
		t.Fatal(err)
	}
	return must[*jsonschema.Schema](t)(c.Compile("urn:test:" + name))
}

// Reading canonical bytes and writing them again changes none of them.
func TestRoundTrip(t *testing.T) {
	summary := must[[]byte](t)(exampleSummary().Encode())
	if again := must[[]byte](t)(must[*result.Summary](t)(result.ParseSummary("s", summary)).Encode()); !bytes.Equal(again, summary) {
		t.Errorf("summary changed:\n%s", again)
	}
	figures := must[[]byte](t)(exampleFigures().Encode())
	if again := must[[]byte](t)(must[*result.Figures](t)(result.ParseFigures("f", figures)).Encode()); !bytes.Equal(again, figures) {
		t.Errorf("figures changed:\n%s", again)
	}
}

func TestRoundTripRandom(t *testing.T) {
	schema := compileSchema(t, "summary")
	anyFloat := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{nan, math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64}))
	name := rapid.StringMatching(`[a-z_]{1,8}(\.[a-z0-9_@<&"]{1,8}){0,3}`)
	rapid.Check(t, func(r *rapid.T) {
		s := &result.Summary{
			Scenario: rapid.StringN(1, 20, -1).Draw(r, "scenario"), Seed: rapid.Uint64().Draw(r, "seed"),
			Trials: rapid.IntRange(0, 1<<40).Draw(r, "trials"), Commit: rapid.String().Draw(r, "commit"),
		}
		for range rapid.IntRange(0, 3).Draw(r, "cells") {
			c := result.Cell{Arm: rapid.SampledFrom([]result.Arm{result.Policy, result.Reference}).Draw(r, "arm")}
			for range rapid.IntRange(0, 4).Draw(r, "params") {
				c.SetParam(name.Draw(r, "path"), rapid.SampledFrom([]result.Value{
					result.String(rapid.String().Draw(r, "s")), result.Number(rapid.Float64().Draw(r, "f")), result.Bool(true),
				}).Draw(r, "value"))
			}
			for range rapid.IntRange(0, 5).Draw(r, "metrics") {
				m := result.Metric{
					Center: anyFloat.Draw(r, "center"), Lo: anyFloat.Draw(r, "lo"), Hi: anyFloat.Draw(r, "hi"),
					Confidence: rapid.Float64Range(0, 1).Draw(r, "confidence"), N: rapid.IntRange(0, 1e6).Draw(r, "n"), Unit: "1",
				}
				if m.Lo > m.Hi {
					m.Lo, m.Hi = m.Hi, m.Lo
				}
				c.Set(name.Draw(r, "name"), m)
			}
			if rapid.Bool().Draw(r, "warn") {
				c.Warn(rapid.String().Draw(r, "warning"))
			}
			s.Cells = append(s.Cells, c)
		}
		data, err := s.Encode()
		if err != nil {
			r.Fatal(err)
		}
		back, err := result.ParseSummary("x", data)
		if err != nil {
			r.Fatalf("%v\n%s", err, data)
		}
		again, err := back.Encode()
		if err != nil {
			r.Fatal(err)
		}
		if !bytes.Equal(data, again) {
			r.Fatalf("first:\n%s\nagain:\n%s", data, again)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			r.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			r.Fatal(err)
		}
	})
}

// The order in which a caller fills a cell leaves no mark on the bytes.
func TestOrderOfFillingDoesNotMatter(t *testing.T) {
	build := func(reverse bool) []byte {
		c := result.Cell{Arm: result.Policy}
		steps := []func(){
			func() { c.SetParam("a", result.Number(1)) },
			func() { c.SetParam("b", result.Number(2)) },
			func() { c.Set("x", result.Undefined(1, "1")) },
			func() { c.Set("y", result.Undefined(2, "1")) },
		}
		for i := range steps {
			if reverse {
				i = len(steps) - 1 - i
			}
			steps[i]()
		}
		return must[[]byte](t)((&result.Summary{Scenario: "s", Cells: []result.Cell{c}}).Encode())
	}
	if a, b := build(false), build(true); !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestReaderErrors(t *testing.T) {
	good := string(must[[]byte](t)(exampleSummary().Encode()))
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the example has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", `s.json:1:1: the file ends in the middle of a value; the file was not written to its end: copy it again, or remove it and run mhsim again with --resume`},
		{"truncated", good[:len(good)/2], "the file ends in the middle of a value; the file was not written to its end"},
		{"not JSON", "%PDF", `s.json:1:1: not JSON: invalid character '%' looking for beginning of value; mend the file, or remove it and run mhsim again with --resume`},
		{"a list", "[1]", "s.json:1:1: want an object, got a list; this is not a multihome-summary file"},
		{"two values", good + "{}", "text after the end of the JSON value; remove it"},
		{"no format", `{"version": 1}`, `format: missing; a file of this kind opens with "format": "multihome-summary"`},
		{"figures instead", `{"format": "multihome-figures", "version": 1}`, `s.json:1:12: format: is "multihome-figures", not "multihome-summary"; give the right file`},
		{"newer version", edit(`"version": 1`, `"version": 2`), "s.json:3:14: version: is 2; this program reads version 1; use the program that wrote the file"},
		{"unknown key", edit(`"commit"`, `"comit"`), "s.json:7:12: comit: unknown key; known here: format, version, scenario, seed, trials, commit, cells"},
		{"missing key", edit(`"trials": 200,`, ""), "trials: missing; add it"},
		{"repeated key", edit(`"trials": 200,`, `"trials": 200, "trials": 2,`), "s.json:6:18: trials: given twice; keep one of them"},
		{"repeated metric", edit(`"attack.best.auc"`, `"distinct_ibgw_per_leaseset"`), "cells[0].metrics.distinct_ibgw_per_leaseset: given twice"},
		{"key in other case", edit(`"seed"`, `"Seed"`), "Seed: unknown key"},
		{"string for number", edit(`"center": 0.875`, `"center": "0.875"`), `cells[0].metrics.attack.best.auc.center: want a number or null, got the string "0.875"`},
		{"too large", edit(`"center": 0.875`, `"center": 1e999`), "1e999 does not fit a 64-bit float"},
		{"broken trials", edit(`"trials": 200`, `"trials": 2.5`), "trials: want a whole number from 0, got 2.5"},
		{"negative seed", edit(`"seed": 9223372036854775809`, `"seed": -1`), "seed: want a whole number from 0 to 2^64-1, got -1"},
		{"interval backwards", edit(`"lo": 0.8`, `"lo": 2`), "s.json: cells[0].metrics.attack.best.auc: interval runs backwards: lo 2 is above hi 0.93"},
		{"no such arm", edit(`"arm": "policy"`, `"arm": "control"`), `arm: "control" is neither "policy" nor "reference"`},
		{"list as param", edit(`"destination.routers.count": 2`, `"destination.routers.count": [2]`), "want a string, a number or a truth value, got a list"},
		{"null confidence", edit(`"confidence": 0.95`, `"confidence": null`), "confidence: want a number, got null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := result.ParseSummary("s.json", []byte(c.data))
			if err == nil || s != nil {
				t.Fatalf("no error, or a value with it: %v, %v", s, err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "s.json:") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	figures := string(must[[]byte](t)(exampleFigures().Encode()))
	for _, c := range []struct{ old, new, want string }{
		{`"kind": "roc"`, `"kind": "pie"`, `figures[0].kind: "pie" is none of [roc curve histogram sweep load pareto]`},
		{`"id": "roc"`, `"id": "../roc"`, `figures[0].id: "../roc" is not lower case letters`},
		{`"id": "roc"`, `"id": "by-policy"`, `figures[1].id: "by-policy" is taken`},
		{`"x": [0, 0.5, 1]`, `"x": [0, 1]`, "figures[0].series[0].y: 3 numbers for 2 in x"},
		{`"x": [0, 0.5, 1]`, `"x": [0, null, 1]`, "figures[0].series[0].x[1]: want a number, got null"},
		{`"lo": [0, 0.25, 1]`, `"lo": []`, "figures[0].series[0].lo: 0 numbers, hi: 3"},
		{`"x": [0, 1]`, `"x": [0, 2]`, "figures[1].series[0].x[1]: 2 is no index into 2 categories"},
	} {
		_, err := result.ParseFigures("f.json", []byte(strings.Replace(figures, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.new, err, c.want)
		}
	}
}

// Any prefix of a file is an error, never a shorter report.
func TestEveryTruncationIsAnError(t *testing.T) {
	good := bytes.TrimSpace(must[[]byte](t)(exampleFigures().Encode()))
	for i := range good {
		if f, err := result.ParseFigures("f", good[:i]); err == nil || f != nil {
			t.Fatalf("a file of %d of %d bytes was read", i, len(good))
		}
	}
}

func FuzzParse(f *testing.F) {
	s, _ := exampleSummary().Encode()
	g, _ := exampleFigures().Encode()
	f.Add(s)
	f.Add(g)
	f.Add([]byte(`{"format":"multihome-summary","version":1,"cells":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// What parses encodes, and its encoding is a fixed point.
		if s, err := result.ParseSummary("s", data); err == nil {
			once := must[[]byte](t)(s.Encode())
			twice := must[[]byte](t)(must[*result.Summary](t)(result.ParseSummary("s", once)).Encode())
			if !bytes.Equal(once, twice) {
				t.Errorf("%s\n%s", once, twice)
			}
		}
		if g, err := result.ParseFigures("g", data); err == nil {
			once := must[[]byte](t)(g.Encode())
			twice := must[[]byte](t)(must[*result.Figures](t)(result.ParseFigures("g", once)).Encode())
			if !bytes.Equal(once, twice) {
				t.Errorf("%s\n%s", once, twice)
			}
		}
	})
}

func TestSetWarnsOfUndefinedNumbers(t *testing.T) {
	c := result.Cell{Arm: result.Policy}
	c.Set("x", result.Metric{Center: math.Inf(1), Lo: 0, Hi: nan, N: 3, Unit: "1"})
	c.Set("a", result.Undefined(0, "1"))
	c.Warn("watch out")
	c.Warn("watch out")
	want := []string{"watch out", "a: undefined: center, lo, hi (n = 0)", "x: undefined: center, hi (n = 3)"}
	if got := c.Warnings(); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	if m, _ := c.Metric("x"); m.Defined() || !math.IsNaN(m.Center) {
		t.Errorf("an infinity was kept: %v", m.Center)
	}
	c.Set("x", result.Exact(1, 3, "1"))
	c.Set("a", result.Exact(1, 3, "1"))
	if got := c.Warnings(); len(got) != 1 {
		t.Errorf("defined numbers keep the warnings %q", got)
	}
}

func TestEncodeRefusesWhatNoFileMayHold(t *testing.T) {
	for name, spoil := range map[string]func(*result.Summary){
		"unit is empty":         func(s *result.Summary) { s.Cells[0].Set("x", result.Metric{}) },
		"interval runs":         func(s *result.Summary) { s.Cells[0].Set("x", result.Metric{Lo: 2, Hi: 1, Unit: "1"}) },
		"confidence":            func(s *result.Summary) { s.Cells[0].Set("x", result.Metric{Confidence: 95, Unit: "1"}) },
		"not a finite number":   func(s *result.Summary) { s.Cells[0].SetParam("p", result.Number(nan)) },
		"holds a space":         func(s *result.Summary) { s.Cells[0].Set("x y", result.Exact(1, 1, "1")) },
		"not UTF-8":             func(s *result.Summary) { s.Commit = "\xff" },
		"given twice":           func(s *result.Summary) { s.Cells[0].Params = append(s.Cells[0].Params, s.Cells[0].Params[0]) },
		"empty name":            func(s *result.Summary) { s.Scenario = "" },
		"neither \"policy\" no": func(s *result.Summary) { s.Cells[1].Arm = result.Measured },
	} {
		s := exampleSummary()
		spoil(s)
		if _, err := s.Encode(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

func TestAttackMetricNames(t *testing.T) {
	for _, c := range []struct {
		name string
		want result.AttackMetric
	}{
		{"attack.best.auc", result.AttackMetric{Attack: "best", Measure: "auc"}},
		{"attack.chao1.tpr_at_fpr_0.001", result.AttackMetric{Attack: "chao1", Measure: "tpr_at_fpr_0.001"}},
		{"poller.attack.best.auc@24h", result.AttackMetric{Adversary: "poller", Attack: "best", Measure: "auc", Horizon: "24h"}},
		{"a.b.attack.x.tpr_at_fpr_0.01@1h30m", result.AttackMetric{Adversary: "a.b", Attack: "x", Measure: "tpr_at_fpr_0.01", Horizon: "1h30m"}},
	} {
		got, ok := result.ParseAttackMetric(c.name)
		if !ok || got != c.want || got.Name() != c.name {
			t.Errorf("%s: %+v %v, named %s", c.name, got, ok, got.Name())
		}
		if _, ok := result.Describe(c.name); !ok {
			t.Errorf("%s has no description", c.name)
		}
	}
	for _, name := range []string{"availability", "attack.best", "attack..auc", ".attack.best.auc@1h", "poller.attack.best.auc", "attack.best.auc@1h", "attack.best.auc@", ""} {
		if a, ok := result.ParseAttackMetric(name); ok {
			t.Errorf("%q passes for an attack: %+v", name, a)
		}
	}
	if _, ok := result.Describe("no_such_metric"); ok {
		t.Error("an unknown metric has a description")
	}
	want := []string{
		"leaseset_publishes_per_10min", "availability", "a_new_metric", "attack.best.auc", "attack.best.count_mae", "attack.ace.auc", "attack.chao1.auc",
		"p.attack.best.auc@90m", "p.attack.ace.auc@90m", "p.attack.best.auc@6h", "p.attack.best.auc@1d", "q.attack.best.auc@1h",
	}
	got := slices.Clone(want)
	slices.Sort(got)
	slices.SortFunc(got, result.CompareNames)
	if !slices.Equal(got, want) {
		t.Errorf("order: %q", got)
	}
}

func TestSweepFigure(t *testing.T) {
	s := exampleSummary()
	f := must[result.Figure](t)(result.SweepFigure(s, "distinct_ibgw_per_leaseset", ""))
	if f.X.Label != "destination.routers.count" || f.Y.Unit != "routers" || len(f.Series) != 1 || f.Series[0].Y[1] != 12 {
		t.Errorf("%+v", f)
	}
	if err := f.Validate(); err != nil {
		t.Error(err)
	}
	f = must[result.Figure](t)(result.SweepFigure(s, "leases_per_leaseset", ""))
	if s := f.Series[0]; s.Arm != result.Reference || s.X[0] != 2 || s.X[1] != 4 {
		t.Errorf("the reference does not stand at its point's value: %+v", s)
	}

	// Names become categories in grid order; a second swept parameter becomes series.
	grid := &result.Summary{Scenario: "g"}
	for _, policy := range []string{"per-router", "mimic"} {
		for _, count := range []float64{16, 1} {
			c := result.Cell{Arm: result.Policy}
			c.SetParam("p", result.String(policy))
			c.SetParam("p.copy", result.String(policy+"!"))
			c.SetParam("r.count", result.Number(count))
			c.Set("availability", result.Exact(count/16, 1, "share"))
			grid.Cells = append(grid.Cells, c)
		}
	}
	f = must[result.Figure](t)(result.SweepFigure(grid, "availability", "p"))
	if len(f.Series) != 2 || f.Series[1].Label != "policy, count 1" || f.X.Categories[0] != "per-router" {
		t.Errorf("%+v", f)
	}
	f = must[result.Figure](t)(result.SweepFigure(grid, "availability", "r.count"))
	if f.X.Scale != result.Log || f.Series[0].X[0] != 1 || len(f.Series) != 2 {
		t.Errorf("%+v", f)
	}
	for _, c := range []struct{ metric, path, want string }{
		{"availability", "q", "does not sweep q"}, {"nothing", "", "no cell holds"},
	} {
		if _, err := result.SweepFigure(grid, c.metric, c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := result.SweepFigure(&result.Summary{}, "availability", ""); err == nil {
		t.Error("a sweep of nothing")
	}
}

func TestPoints(t *testing.T) {
	s := &result.Summary{Cells: []result.Cell{{Arm: result.Reference}, {Arm: result.Policy}, {Arm: result.Policy}, {Arm: result.Reference}, {Arm: result.Reference}}}
	got := ""
	for _, p := range s.Points() {
		for _, c := range []*result.Cell{p.Policy, p.Reference} {
			if c == nil {
				got += "-"
			} else {
				got += string(c.Arm)[:1]
			}
		}
		got += " "
	}
	if got != "-r p- pr -r " {
		t.Errorf("%q", got)
	}
}

func TestValueOf(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{{3, "3"}, {int64(-1), "-1"}, {uint64(7), "7"}, {0.25, "0.25"}, {"x", "x"}, {true, "true"}, {result.Bool(false), "false"}} {
		if v, err := result.ValueOf(c.in); err != nil || v.String() != c.want {
			t.Errorf("%v: %v, %v", c.in, v, err)
		}
	}
	if _, err := result.ValueOf([]int{1}); err == nil {
		t.Error("a list passes for a scalar")
	}
}

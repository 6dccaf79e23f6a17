package scenario

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/scenarios"
	"multihome.i2p/sim"
)

// compileSchema returns the schema as an independent implementation reads it.
func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(Names{})))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate checks YAML text against the schema.
func validate(t fataler, schema *jsonschema.Schema, text []byte) error {
	var x any
	if err := yaml.Unmarshal(text, &x); err != nil {
		t.Fatalf("%v", err)
	}
	asJSON, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("%v", err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return schema.Validate(instance)
}

// shippedPolicies are those that ship as files.
type shippedPolicies struct{}

func (shippedPolicies) Read(_, file string) ([]byte, error) {
	source, ok := starlark.Source(file)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return source, nil
}

func (shippedPolicies) Load(file string, source []byte) (sim.PolicyMaker, error) {
	_, err := starlark.Load(file, source)
	return testMaker(source), err
}

func TestShippedScenarios(t *testing.T) {
	schema := compileSchema(t)
	names := Names{
		Attacks:  []string{"distinct", "meta", "posterior", "richness"},
		Policies: []string{"common-pool", "mimic", "natural-i2pd", "per-router", "shared-key", "single", "superset"},
		Files:    shippedPolicies{},
	}
	list := scenarios.List()
	if len(list) < 8 {
		t.Errorf("%d scenarios are shipped", len(list))
	}
	for _, entry := range list {
		t.Run(entry.Name, func(t *testing.T) {
			text, ok := scenarios.Get(entry.Name)
			if !ok {
				t.Fatal("listed but not there")
			}
			if !bytes.HasPrefix(text, []byte("question: ")) {
				t.Error("does not open with its question")
			}
			for _, word := range []string{"# Held fixed:", "# Numbers:", "# Expected:", "# Cost:"} {
				if !bytes.Contains(text, []byte(word)) {
					t.Errorf("has no comment %q", word)
				}
			}
			if err := validate(t, schema, text); err != nil {
				t.Error(err)
			}
			s, err := Parse(entry.Name+".yaml", text, names)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != entry.Name || s.Question != entry.Question {
				t.Errorf("parsed as %q: %q, listed as %q: %q", s.Name, s.Question, entry.Name, entry.Question)
			}
			// A short trial run must always be possible.
			short, err := s.With(
				Override{Flag: "--trials", Path: "trials", Value: "2"},
				Override{Flag: "--duration", Path: "duration", Value: "1h"})
			if err != nil {
				t.Fatal(err)
			}
			if short.Trials != 2 || len(short.Cells()) == 0 {
				t.Errorf("short form: %d trials, %d cells", short.Trials, len(short.Cells()))
			}
			sameAgain(t, s)
			sameAgain(t, short)
			for _, c := range short.Cells() {
				sameAgain(t, c)
			}
			if err := validate(t, schema, s.Resolved()); err != nil {
				t.Errorf("canonical form: %v", err)
			}
		})
	}
	for i := 1; i < len(list); i++ {
		if list[i-1].Name >= list[i].Name {
			t.Errorf("%s stands before %s", list[i-1].Name, list[i].Name)
		}
	}
}

func TestGetTakesNamesOnly(t *testing.T) {
	for _, name := range []string{"", "nosuch", "../scenarios/null", "null.yaml", `a\b`} {
		if _, ok := scenarios.Get(name); ok {
			t.Errorf("Get(%q) found something", name)
		}
	}
}

// TestFigures checks the arithmetic figures, which need no simulation.
func TestFigures(t *testing.T) {
	text, _ := scenarios.Get("seed-figures")
	s, err := Parse("seed-figures.yaml", text, Names{})
	if err != nil {
		t.Fatal(err)
	}
	computed := 0
	for i := range s.Figures {
		f := &s.Figures[i]
		x, ok := f.Arithmetic()
		if ok != (f.By == "arithmetic") {
			t.Errorf("%s: by %s, closed form %v", f.Name, f.By, ok)
		}
		if !ok {
			continue
		}
		computed++
		if !f.Agrees(x) {
			t.Errorf("%s: %v does not agree with %v", f.Name, x, f.Expected)
		}
	}
	if computed != 3 {
		t.Errorf("%d figures have closed forms, want 3", computed)
	}
	if w := s.Figures[3].Scenario; len(w.World.Destination.Routers) != 100 || w.World.Destination.PublishSpacing != 0 || w.Trials != 4 {
		t.Errorf("the settings of %s are not set", s.Figures[3].Name)
	}
}

package scenario

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/sim"
)

// testMaker stands for a loaded policy: it is its text.
type testMaker string

func (testMaker) New(policy.Options) (balancer.Policy, error) { return nil, errors.New("not made") }
func (testMaker) Base() string                                { return "per-router" }

// testFiles stands for a folder: mine.star and ./sub/other.star are there, and
// broken.star, which does not load.
type testFiles struct{}

var testTexts = map[string]string{
	"mine.star": "base = None\n", "sub/other.star": "# \"other\": §\n\tx = '\\n'\n", "broken.star": "broken", "empty.star": "",
	"per-router.star": "#", "My Policy.star": "#", "latin.star": "#\n# \xe9",
}

func (testFiles) Read(_, file string) ([]byte, error) {
	text, ok := testTexts[path.Clean(file)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (testFiles) Load(file string, source []byte) (sim.PolicyMaker, error) {
	if string(source) == "broken" {
		return nil, errors.New(file + ":1:7: it is broken")
	}
	return testMaker(source), nil
}

// maker is the text of a world's policy, "" for a built-in one.
func maker(w *sim.Config) string {
	m, _ := w.Destination.Policy.Maker.(testMaker)
	return string(m)
}

func TestPolicyFile(t *testing.T) {
	s := mustParse(t, "question: why?\ndestination: {policy: {file: mine.star, publisher: all}}\n")
	sameAgain(t, s)
	p := &s.World.Destination.Policy
	if p.Name != "mine" || maker(&s.World) != "base = None\n" || p.Publisher != "all" {
		t.Errorf("got %+v", p)
	}
	if !bytes.Contains(s.Resolved(), []byte("    name: \"mine\"\n")) && !bytes.Contains(s.Resolved(), []byte("    name: mine\n")) {
		t.Errorf("the canonical form does not name it:\n%s", s.Resolved())
	}
	for _, param := range s.Params(PolicyArm) {
		if param.Path == "destination.policy" && param.Value != "mine" {
			t.Errorf("results call it %v", param.Value)
		}
	}
	// The folder does not count, the text does.
	other := mustParse(t, "question: why?\ndestination: {policy: {file: ./mine.star, publisher: all}}\n")
	if s.Digest() != other.Digest() {
		t.Error("another folder is another run")
	}
	testTexts["mine.star"] = "base = None\n# changed\n"
	defer func() { testTexts["mine.star"] = "base = None\n" }()
	changed := mustParse(t, "question: why?\ndestination: {policy: {file: mine.star, publisher: all}}\n")
	if s.Digest() == changed.Digest() {
		t.Error("a changed file is the same run")
	}
	again, err := Parse("scenario.yaml", s.Resolved(), testNames)
	if err != nil || maker(&again.World) != "base = None\n" {
		t.Errorf("the canonical form reads the file again: %v", err)
	}
}

func TestPolicyFileTextIsKept(t *testing.T) {
	s := mustParse(t, "question: why?\ndestination: {policy: {file: sub/other.star}}\n")
	sameAgain(t, s)
	again, err := Parse("scenario.yaml", s.Resolved(), testNames)
	if want := testTexts["sub/other.star"]; err != nil || maker(&again.World) != want {
		t.Errorf("got %q, %v", maker(&again.World), err)
	}
}

// A name takes the place of a file and a file that of a name: in the reference, in a
// sweep and on the command line.
func TestPolicyFileAndName(t *testing.T) {
	for _, c := range []struct{ text, policy, policyText, reference, referenceText string }{
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140}", "mine", "base = None\n", "mine", "base = None\n"},
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140, policy: superset}", "mine", "base = None\n", "superset", ""},
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140, policy: {publisher: all}}", "mine", "base = None\n", "mine", "base = None\n"},
		{"destination: {policy: superset}\nreference: {scheme: p140, policy: {file: empty.star}}", "superset", "", "empty", "\n"},
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140, policy: {file: sub/other.star}}", "mine", "base = None\n", "other", testTexts["sub/other.star"]},
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140}\nsweep: {destination.policy: [superset]}", "superset", "", "superset", ""},
		{"destination: {policy: {file: mine.star}}\nreference: {scheme: p140}\nsweep: {destination.policy.name: [superset]}", "superset", "", "superset", ""},
	} {
		s := mustParse(t, "question: why?\n"+c.text+"\n").Cells()[0]
		sameAgain(t, s)
		got := []string{s.World.Destination.Policy.Name, maker(&s.World), s.Reference.Destination.Policy.Name, maker(&s.Reference)}
		for i, want := range []string{c.policy, c.policyText, c.reference, c.referenceText} {
			if got[i] != want {
				t.Errorf("%s:\n got %q, want %q in place %d", c.text, got, want, i)
			}
		}
	}
	s := mustParse(t, "question: why?\ndestination: {policy: {file: mine.star}}\n")
	s, err := s.With(Override{Flag: "--policy", Path: "destination.policy", Value: "shared-key"})
	if err != nil || s.World.Destination.Policy.Name != "shared-key" || s.World.Destination.Policy.Maker != nil {
		t.Errorf("got %+v, %v", s, err)
	}
}

// Variants and the command line take files too.
func TestPolicyFileInVariants(t *testing.T) {
	const text = `
question: why?
destination: {policy: shared-key}
variants:
  - {name: built-in}
  - {name: mine, set: {destination.policy.file: ./mine.star, destination.leases: 8}}
  - {name: other, set: {destination.policy.file: sub/other.star}}
  - {name: named, set: {destination.policy: superset}}
sweep: {destination.routers.count: [1, 2]}
`
	s := mustParse(t, text)
	sameAgain(t, s)
	again, err := Parse("again.yaml", s.Resolved(), testNames)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Scenario{s, again} {
		for i, c := range s.Cells() {
			want := []struct{ name, text string }{{"shared-key", ""}, {"mine", "base = None\n"}, {"other", testTexts["sub/other.star"]}, {"superset", ""}}[i/2]
			if got := c.World.Destination.Policy.Name; got != want.name || maker(&c.World) != want.text {
				t.Errorf("cell %d: %s, %q", i, got, maker(&c.World))
			}
			sameAgain(t, c)
		}
	}
	testTexts["mine.star"] = "base = None\n# changed\n"
	changed := mustParse(t, text)
	testTexts["mine.star"] = "base = None\n"
	if s.Digest() == changed.Digest() {
		t.Error("a changed file is the same run")
	}
	over, err := s.With(Override{Flag: "--policy", Path: "destination.policy.file", Value: "mine.star"})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range over.Cells() {
		if c.World.Destination.Policy.Name != "mine" || maker(&c.World) != "base = None\n" {
			t.Errorf("cell %d with a file from the command line: %+v", i, c.World.Destination.Policy)
		}
		sameAgain(t, c)
	}
	if _, err := s.With(Override{Flag: "--policy", Path: "destination.policy.file", Value: "broken.star"}); err == nil || err.Error() != "--policy: broken.star:1:7: it is broken" {
		t.Errorf("got %v", err)
	}
}

func TestPolicyFilesNotTaken(t *testing.T) {
	names := testNames
	names.Files = nil
	_, err := Parse("x.yaml", []byte("question: why?\ndestination: {policy: {file: mine.star}}\n"), names)
	if err == nil || !strings.HasPrefix(err.Error(), "x.yaml:2:") {
		t.Errorf("got %v", err)
	}
}

package starlark

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"multihome.i2p/balancer/policy"
)

var update = flag.Bool("update", false, "write the golden files; read the diff before you commit it")

// Each file of errors.txtar is wrong in one way; its error stands in the file of
// the same name with .error behind it.
func TestLoadErrors(t *testing.T) {
	const golden = "testdata/errors.txtar"
	cases, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range cases.Files {
		want[f.Name] = string(f.Data)
	}
	out := &txtar.Archive{Comment: cases.Comment}
	for _, f := range cases.Files {
		if strings.HasSuffix(f.Name, ".error") {
			continue
		}
		p, err := Load(f.Name, f.Data)
		if p != nil || err == nil {
			t.Errorf("%s: taken", f.Name)
			continue
		}
		got := err.Error() + "\n"
		out.Files = append(out.Files, f, txtar.File{Name: f.Name + ".error", Data: []byte(got)})
		if !*update && got != want[f.Name+".error"] {
			t.Errorf("%s:\n got %s want %s", f.Name, got, want[f.Name+".error"])
		}
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(out), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadRefusesWhatIsNoText(t *testing.T) {
	for source, want := range map[string]string{
		"base = None\n# \xff":            "x.star:2:3: this is not UTF-8; save the file as UTF-8",
		"# \x1b[31m":                     "x.star:1:3: the file contains the character U+001B; take it out",
		strings.Repeat("#\n", MaxSource): "x.star:1:1: the file has 131072 bytes; a policy has at most 65536",
	} {
		if _, err := Load("x.star", []byte(source)); err == nil || err.Error() != want {
			t.Errorf("%.20q: got %v, want %s", source, err, want)
		}
	}
}

// A file that is nested deeper than any stack is no danger.
func TestLoadDeep(t *testing.T) {
	for _, text := range []string{"A = " + strings.Repeat("(", MaxSource-10), "A = " + strings.Repeat("[", 30000) + strings.Repeat("]", 30000)} {
		if p, err := Load("deep.star", []byte(text)); err != nil && !errors.As(err, new(*Error)) {
			t.Errorf("got %v, %v", p, err)
		}
	}
	const nested = "def _f():\n    x = []\n    for i in range(5000): x = [x]\n    return x\n_A = _f()\n_B = str(_A)\n_C = repr({1: _A})\n"
	if _, err := Load("nested.star", []byte(nested)); err != nil && !errors.As(err, new(*Error)) {
		t.Error(err)
	}
}

func TestShipped(t *testing.T) {
	names := Shipped()
	if len(names) != 4 {
		t.Errorf("shipped: %q", names)
	}
	for _, name := range names {
		source, ok := Source(name)
		p, err := Load(name+".star", source)
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		made, err := p.New(policy.DefaultOptions())
		if err != nil || made.Name() != name {
			t.Errorf("%s: made %v, %v", name, made, err)
		}
	}
	if _, ok := Source("../load"); ok {
		t.Error("a file outside the shipped ones was found")
	}
}

func TestNewRefusesOptions(t *testing.T) {
	p, err := Load("empty.star", nil)
	if err != nil || p.Base() != "per-router" {
		t.Fatalf("%v, %v", p, err)
	}
	opt := policy.DefaultOptions()
	opt.Reuse = 2
	if _, err := p.New(opt); err == nil {
		t.Error("a reuse of 2 was taken")
	}
}

// FuzzLoad: loading never panics, and an error has a place and is one line.
func FuzzLoad(f *testing.F) {
	for _, name := range Shipped() {
		source, _ := Source(name)
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		p, err := Load("fuzz.star", source)
		if err == nil {
			if _, err := p.New(policy.DefaultOptions()); err != nil {
				t.Fatal(err)
			}
			return
		}
		var wrong *Error
		switch {
		case p != nil:
			t.Fatal("both a program and an error")
		case !errors.As(err, &wrong) || wrong.Line < 1 || wrong.Column < 1 || wrong.Msg == "":
			t.Fatalf("%#v", err)
		case strings.ContainsAny(err.Error(), "\n\r"):
			t.Fatalf("several lines: %q", err)
		}
	})
}

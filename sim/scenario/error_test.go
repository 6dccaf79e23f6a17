package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestErrors goes through testdata/errors.txt: scenarios that are wrong, each
// with the exact error. A case is "=== name", the file, "+++" and the error.
// In a file, <ff> stands for that byte.
func TestErrors(t *testing.T) {
	const path = "testdata/errors.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	preamble, cases, _ := strings.Cut(string(text), "=== ")
	var out strings.Builder
	out.WriteString(preamble)
	seen := map[string]string{}
	for c := range strings.SplitSeq(cases, "\n=== ") {
		name, rest, _ := strings.Cut(c, "\n")
		file, want, _ := strings.Cut(rest, "+++\n")
		want = strings.TrimSpace(want)
		got := ""
		_, err := Parse("bad.yaml", []byte(strings.ReplaceAll(file, "<ff>", "\xff")), testNames)
		if err != nil {
			got = err.Error()
		}
		if other, twice := seen[name]; twice {
			t.Errorf("%s: two cases of one name: %s", name, other)
		}
		seen[name] = got
		if err == nil {
			t.Errorf("%s: taken", name)
		}
		if got != want && !*update {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		out.WriteString("=== " + name + "\n" + file + "+++\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(out.String(), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestErrorIsTyped(t *testing.T) {
	_, err := Parse("x.yaml", []byte("question: why?\ndestination:\n  leases: 17\n"), testNames)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	if e.File != "x.yaml" || e.Line != 3 || e.Column != 11 || e.Path != "destination.leases" || e.Msg == "" || e.Mend == "" {
		t.Errorf("got %+v", e)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := Parse("x.yaml", []byte("question: why?\n"+strings.Repeat("# more\n", 200_000)), testNames)
	if err == nil || err.Error() != "x.yaml:1:1: the file has 1400015 bytes; a scenario is at most 1 MiB" {
		t.Errorf("got %v", err)
	}
}

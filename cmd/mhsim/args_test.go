package main

import (
	"strings"
	"testing"
)

// Flags may stand anywhere; the flag parser wants them first.
func TestArrange(t *testing.T) {
	commands := (&tool{}).commands()
	for _, test := range []struct{ line, want string }{
		{"run a", "run -- a"},
		{"run a --out d b", "run --out d -- a b"},
		{"run --out=d a", "run --out=d -- a"},
		{"run a -out d", "run -out d -- a"},
		{"run a --traces b --seed -1", "run --traces --seed -1 -- a b"},
		{"run a -- --out b", "run -- a --out b"},
		{"run --out -- a", "run --out -- -- a"}, // as the flag parser would have it
		{"analyze - --json", "analyze --json -- -"},
		{"list", "list --"},
	} {
		inv, err := arrange(commands, strings.Fields(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		} else if got := strings.Join(inv.argv, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.line, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two|three"},
		{"  one   two ", 80, "one two"},
		{"extraordinarily long", 5, "extraordinarily|long"},
	} {
		if got := strings.Join(wrap(test.text, test.width), "|"); got != test.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

package starlark

import (
	"os"
	"strings"
	"testing"
)

// The manual names every function, constant and method, and its examples load.
func TestManual(t *testing.T) {
	data, err := os.ReadFile("../../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(data)
	var names []string
	for _, s := range signatures {
		names = append(names, "### `"+s.name+"("+s.params+")`")
	}
	for name := range predeclared {
		if name != timesName {
			names = append(names, name)
		}
	}
	for name := range methods {
		names = append(names, "`v."+name+"(")
	}
	for name := range capabilities {
		names = append(names, "`"+name+"`")
	}
	for _, name := range append(Shipped(), peerAttrs...) {
		names = append(names, "`"+name+"`")
	}
	for name := range optionsOf(&script{}).fields {
		names = append(names, "`"+name+"`")
	}
	for _, name := range names {
		if !strings.Contains(manual, name) {
			t.Errorf("the manual does not tell of %s", name)
		}
	}
	examples := strings.Split(manual, "```python\n")[1:]
	for i, text := range examples {
		source, _, _ := strings.Cut(text, "```")
		if _, err := Load("example.star", []byte(source)); err != nil {
			t.Errorf("example %d: %v\n%s", i+1, err, source)
		}
	}
	if len(examples) != 1+len(signatures) {
		t.Errorf("%d examples, want one of each function and one at the top", len(examples))
	}
}

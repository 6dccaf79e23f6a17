package starlark

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed examples/*.star
var examples embed.FS

// Shipped are the names of the policies that ship as Starlark files, sorted.
func Shipped() []string {
	files, err := fs.Glob(examples, "examples/*.star")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, file := range files {
		files[i] = Name(file)
	}
	return files
}

// Summary returns what a shipped policy says of itself: its first comment, up to an
// empty one, without its name.
func Summary(name string) string {
	source, _ := Source(name)
	var text []string
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "#"))
		if line == "" {
			break
		}
		text = append(text, line)
	}
	return strings.TrimPrefix(strings.Join(text, " "), name+": ")
}

// Source returns the file of a shipped policy.
func Source(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	text, err := examples.ReadFile("examples/" + name + ".star")
	return text, err == nil
}

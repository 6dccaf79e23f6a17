// Package scenarios holds the scenario files that ship with the simulator.
// Each opens with its question and says in comments what is held fixed, where
// its numbers come from, what is expected and what it costs.
package scenarios

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.yaml claims/*.yaml
var files embed.FS

// ClaimPrefix begins the names of the scenarios in folder claims, which decide claims
// of the proposals. List leaves them out.
const ClaimPrefix = "claim-"

// Claims returns the list of claims; package cmd/internal/claims reads it.
func Claims() []byte {
	text, err := files.ReadFile("claims/claims.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

// Entry is one shipped scenario.
type Entry struct {
	// Name is what the command line calls it.
	Name string
	// Question is what it asks.
	Question string
}

// List returns the shipped scenarios sorted by name.
func List() []Entry {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var entries []Entry
	for _, file := range names {
		name := strings.TrimSuffix(file, ".yaml")
		text, _ := Get(name)
		entries = append(entries, Entry{Name: name, Question: question(text)})
	}
	// Files are sorted with their ending, which is another order.
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

// Get returns the file of a shipped scenario.
func Get(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	if claim, ok := strings.CutPrefix(name, ClaimPrefix); ok && claim != "claims" {
		name = "claims/" + claim
	}
	text, err := files.ReadFile(name + ".yaml")
	return text, err == nil
}

// question returns the value of the first line that begins with "question:".
// Shipped scenarios write it on that one line; the tests of package scenario
// compare it with what the parser reads.
func question(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if q, ok := strings.CutPrefix(line, "question:"); ok {
			q = strings.TrimSpace(q)
			if unquoted, err := strconv.Unquote(q); err == nil {
				q = unquoted
			}
			return q
		}
	}
	return ""
}

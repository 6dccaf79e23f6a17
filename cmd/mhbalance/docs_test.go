package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// docs/formats.md names every metric, and every key of the configuration and of
// the status.
func TestFormatsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	metrics, err := os.ReadFile("control/testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("docs/formats.md does not name the metric %s", name)
			}
		}
	}
	type schema struct {
		Properties map[string]json.RawMessage
		Defs       map[string]struct{ Properties map[string]json.RawMessage } `json:"$defs"`
	}
	_, doc, ok := strings.Cut(doc, "## Configuration (mhbalance.yaml)")
	if !ok {
		t.Fatal("docs/formats.md has no section on the configuration")
	}
	for _, name := range schemaNames {
		var s schema
		if err := json.Unmarshal(schemaOf(name), &s); err != nil {
			t.Fatal(err)
		}
		maps := []map[string]json.RawMessage{s.Properties}
		for _, d := range s.Defs {
			maps = append(maps, d.Properties)
		}
		for _, keys := range maps {
			for key := range keys {
				if !strings.Contains(doc, key) {
					t.Errorf("docs/formats.md does not name the key %s of %s", key, name)
				}
			}
		}
	}
}

// The unit's commands are commands of this program, with flags that it has.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../../packaging/systemd/mhbalance.service")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		for _, key := range []string{"ExecStart=", "ExecReload="} {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), key+"/usr/bin/mhbalance ")
			if !ok {
				continue
			}
			n++
			args := strings.Fields(command)
			args[len(args)-1] = "testdata/no-such-file.yaml"
			if code, _, stderr := mhbalance(args...); code != exitInput || !strings.Contains(stderr, "no such file") {
				t.Errorf("%s: exit code %d, %s", command, code, stderr)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d commands in the unit, want 2", n)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"multihome.i2p/analysis/trace"
)

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaOf(name)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func validate(s *jsonschema.Schema, text []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func TestSchemasCompile(t *testing.T) {
	for _, name := range schemaNames {
		compile(t, name)
	}
}

// What a run and an analysis write is what their schemas say.
func TestOutputsFollowTheirSchemas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if code, _, stderr := mhsim("run", "testdata/small.yaml", "--traces", "--out", dir); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for name, schema := range map[string]string{"summary.json": "summary", "figures.json": "figures"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(compile(t, schema), text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	file := filepath.Join(dir, "traces", "policy", "0.poller.jsonl.gz")
	empty := filepath.Join(dir, "empty.jsonl")
	header := trace.AppendHeader(nil, &trace.Header{Destination: strings.Repeat("a", 52), Vantage: trace.VantageNetDb, Source: trace.SourceLive})
	if err := os.WriteFile(empty, header, 0o666); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := mhsim("analyze", "--json", file, empty)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	s := compile(t, "analysis")
	if err := validate(s, []byte(stdout)); err != nil {
		t.Errorf("mhsim analyze --json: %v", err)
	}
	if err := validate(s, []byte(strings.Replace(stdout, `"sightings"`, `"sighted"`, 1))); err == nil {
		t.Error("the schema takes an analysis with an unknown key")
	}
	code, again, _ := mhsim("analyze", "--json", file, empty)
	if code != 0 || again != stdout {
		t.Error("a second analysis of the same traces differs")
	}
}

// What a check prints is what its schema says, whatever the verdict.
func TestChecksFollowTheirSchema(t *testing.T) {
	s := compile(t, "check")
	for _, limits := range [][]string{
		{"--max-auc", "1", "--at-least", "max_auc=0.5"},
		{"--max-auc", "0.6", "--max-tpr-at-1pct", "0.1"},
		{"--at-most", "distinct_ibgw_total=1", "--workers", "2"},
	} {
		args := append([]string{"check", "testdata/sweep.yaml", "--json"}, limits...)
		_, stdout, stderr := mhsim(args...)
		if err := validate(s, []byte(stdout)); err != nil {
			t.Errorf("mhsim %s: %v\n%s", strings.Join(args, " "), err, stderr)
		}
	}
}

func TestComparisonsFollowTheirSchema(t *testing.T) {
	_, stdout, stderr := mhsim("compare", "testdata/sweep.yaml", "--json")
	if err := validate(compile(t, "compare"), []byte(stdout)); err != nil {
		t.Errorf("%v\n%s", err, stderr)
	}
}

// traceLines are lines that a reader of traces takes, and some that it refuses.
func TestTraceSchema(t *testing.T) {
	s := compile(t, "trace")
	var tr trace.Trace
	tr.Reset(trace.Header{Destination: strings.Repeat("a", 52) + ".b32.i2p", Vantage: trace.VantageClient, Source: trace.SourceSim, Note: "a note"})
	var h trace.Hash
	h[0], h[31] = 0xfb, 0xff
	leases := []trace.Lease{{Gateway: h, Tunnel: 1<<32 - 1, EndMs: 1_000_000}, {Gateway: h, Tunnel: 2, EndMs: 2_000_000}}
	tr.AppendLookup(1, h, 1000, 1600, leases)
	r := tr.AppendStore(2, h, true, 1000, 1600, leases)
	r.OBEP, r.Reply, r.Flags, r.EncKeys = h, trace.Reply{Gateway: h, Tunnel: 3}, 1, h
	r.Has |= trace.HasOBEP | trace.HasReply | trace.HasFlags | trace.HasEncKeys
	r = tr.AppendBundle(3, 0, 0, leases)
	r.Millis = true
	r.Has &^= trace.HasPublished
	tr.AppendBundle(3, 1000, 1600, nil)
	tr.AppendPoll(4, h, false)
	tr.AppendServiceLookup(5, h, h, trace.Reply{Gateway: h, Tunnel: 3})
	tr.AppendProbe(6, 1, nil, leases[0], 1_234_567)
	tr.AppendProbe(7, 1, &leases[0], leases[1], -1)
	tr.AppendRouter(8, h, true)
	r = tr.AppendHop(9, h, trace.RoleMiddle, 4, 1600)
	r.Prev, r.Next = h, h
	r.Has |= trace.HasPrev | trace.HasNext
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	lines := [][]byte{trace.AppendHeader(nil, &tr.Header)}
	for i := range tr.Records {
		lines = append(lines, trace.AppendRecord(nil, &tr.Records[i]))
	}
	for _, line := range lines {
		if err := validate(s, line); err != nil {
			t.Errorf("%s%v", line, err)
		}
		// A field that no kind knows, and each field gone: what is left must be
		// refused exactly if the reader refuses it.
		var doc map[string]any
		if err := json.Unmarshal(line, &doc); err != nil {
			t.Fatal(err)
		}
		variants := []map[string]any{with(doc, "unknown", true)}
		for key := range doc {
			variants = append(variants, with(doc, key, nil))
		}
		for _, v := range variants {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			file := append(text, '\n')
			if doc["format"] == nil {
				file = append(bytes.Clone(lines[0]), file...)
			}
			_, readErr := trace.ReadAll(bytes.NewReader(file), "")
			schemaErr := validate(s, text)
			if (readErr == nil) != (schemaErr == nil) {
				t.Errorf("%s\nthe reader says: %v\nthe schema says: %v", text, readErr, schemaErr)
			}
		}
	}
}

// with copies doc with a key set, or left out where value is nil.
func with(doc map[string]any, key string, value any) map[string]any {
	c := map[string]any{}
	for k, v := range doc {
		c[k] = v
	}
	if c[key] = value; value == nil {
		delete(c, key)
	}
	return c
}

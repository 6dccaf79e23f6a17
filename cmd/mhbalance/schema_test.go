package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"multihome.i2p/cmd/mhbalance/config"
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

// What mhbalance status prints is what its schema says.
func TestStatusSchema(t *testing.T) {
	s := compile(t, "status")
	for _, name := range []string{"status.json", "empty.json"} {
		text, err := os.ReadFile("control/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := validate(s, bytes.Replace(text, []byte(`"age_s"`), []byte(`"age"`), 1)); err == nil {
			t.Errorf("%s: the schema takes an unknown key", name)
		}
	}
}

// crossed are the cases that only the parser refuses: rules that join several
// entries, files, and the text itself.
var crossed = []string{"comment-only", "not-yaml", "two-documents", "anchor", "tag", "twice", "metrics", "long-socket", "files", "policy-files-missing", "policy-files-broken", "policy-files-unknown", "policy-files-named"}

// The schema of a configuration refuses what the parser refuses, but for rules
// that join several keys, and takes what mhbalance init writes.
func TestConfigSchema(t *testing.T) {
	s := compile(t, "config")
	check := func(text []byte) error {
		var doc any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return validate(s, b)
	}
	cases, err := txtar.ParseFile("config/testdata/errors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases.Files {
		if !slices.Contains(crossed, c.Name) && check(c.Data) == nil {
			t.Errorf("the schema takes %s", c.Name)
		}
	}
	d := &draft{output: "c.yaml", key: "my.keys", target: "udp://127.0.0.1:5000", user: "u", passwordFile: "p"}
	d.routers = []finding{{address: "127.0.0.1:7654"}, {address: "[::1]:7654"}, {address: "router.example:7654"}}
	if err := check(d.text()); err != nil {
		t.Errorf("%v in\n%s", err, d.text())
	}
	if _, err := config.Parse("c.yaml", d.text()); err != nil {
		t.Errorf("%v in\n%s", err, d.text())
	}
	golden(t, "init.yaml", string(d.text()))
	for _, name := range config.Policies() {
		if err := check([]byte("routers: [{i2cp: \"a:1\"}]\ndestinations: [{key: k, target: echo, policy: " + name + "}]\n")); err != nil {
			t.Errorf("policy %s: %v", name, err)
		}
	}
	if n := strings.Count(string(configSchema), `"natural-i2pd", "`); n != 1 {
		t.Errorf("the names of the policies stand %d times in the schema", n)
	}
}

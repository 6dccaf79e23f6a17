package config

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "write the golden files; read the diff before you commit it")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// seed is a source of keys that are always the same.
type seed byte

func (s seed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s) + byte(i)
	}
	return len(b), nil
}

func newKeys(t *testing.T, s seed) wire.PrivateKeyFile {
	t.Helper()
	keys, err := wire.NewPrivateKeyFile(s)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func writeKeys(t *testing.T, file string, keys wire.PrivateKeyFile) {
	t.Helper()
	if err := WriteKeys(file, keys); err != nil {
		t.Fatal(err)
	}
}

// secrets makes the files that the configurations of errors.txtar name.
func secrets(t *testing.T, dir string) {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte, mode os.FileMode) {
		if err := os.WriteFile(in(name), data, mode); err != nil {
			t.Fatal(err)
		}
	}
	keys := newKeys(t, 1)
	text, err := keys.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	writeKeys(t, in("good.keys"), keys)
	writeKeys(t, in("same.keys"), keys)
	write("open.keys", text, 0o644)
	write("broken.keys", text[:100], 0o600)
	write("longer.keys", append(bytes.Clone(text), 0), 0o600)
	expired, err := keys.WithTransientKey(1000, seed(9))
	if err != nil {
		t.Fatal(err)
	}
	writeKeys(t, in("expired.keys"), expired)
	write("broken.star", []byte("def build(v, pool, direction):\n    return tunel(pool)\n"), 0o644)
	write("open.txt", []byte("secret-four\n"), 0o644)
	write("empty.txt", []byte("\n"), 0o600)
}

// Every error has its place, says what is wrong and how to mend it, and tells no
// secret.
func TestErrors(t *testing.T) {
	cases, err := txtar.ParseFile("testdata/errors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	secrets(t, ".")
	var out strings.Builder
	for _, c := range cases.Files {
		const file = "mhbalance.yaml"
		text := strings.ReplaceAll(string(c.Data), "KEY", "good.keys")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := Read(file)
		if err == nil {
			_, err = cfg.Live()
		}
		var all Errors
		if !errors.As(err, &all) {
			t.Errorf("%s: %v is no Errors", c.Name, err)
			continue
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || e.Msg == "" || e.Mend == "" || e.File != file {
				t.Errorf("%s: %+v lacks something", c.Name, e)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: a password is told:\n%v", c.Name, err)
		}
		out.WriteString("-- " + c.Name + " --\n" + err.Error() + "\n")
	}
	t.Chdir(origin)
	golden(t, "errors.golden", out.String())
}

// origin is the package's directory.
var origin, _ = os.Getwd()

const whole = `
routers:
  - {name: a, i2cp: "127.0.0.1:7654", weight: 3}
  - {i2cp: "[::1]:7655", tls: true, user: u, password_file: pw}
destinations:
  - key: good.keys
    target: echo
  - name: second
    key: other.keys
    leases: 16
    policy: {name: per-router, bundle: pinned, publisher: rotate, rotate_keys: true}
    target: udp://localhost:5000
    trace: traces/t.jsonl
    record: r.log
    hops: 2
    outbound: 4
state: /var/lib/x
metrics: 10.0.0.1:9140
metrics_public: true
`

func TestWhole(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	writeKeys(t, in("good.keys"), newKeys(t, 1))
	writeKeys(t, in("other.keys"), newKeys(t, 2))
	for _, err := range []error{
		os.Mkdir(in("traces"), 0o700),
		os.WriteFile(in("pw"), []byte("secret\nand more"), 0o600),
		os.WriteFile(in("c.yaml"), []byte(whole), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := Read(in("c.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "/var/lib/x" || c.Status != "/var/lib/x/status.sock" || c.Metrics != "10.0.0.1:9140" || len(c.Warnings) != 0 {
		t.Errorf("%+v", c)
	}
	l, err := c.Live()
	if err != nil {
		t.Fatal(err)
	}
	if r := l.Routers[0]; r.Name != "a" || r.Weight != 3 || r.TLS != nil || r.Address != "127.0.0.1:7654" {
		t.Errorf("%+v", r)
	}
	if r := l.Routers[1]; r.Name != "[::1]:7655" || r.Weight != 1 || r.TLS == nil || r.User != "u" || r.Password != "secret" {
		t.Errorf("%+v", r)
	}
	if d := l.Destinations[0]; d.Name != "good" || d.Leases != DefaultLeases || d.Hops != DefaultHops ||
		d.Outbound != DefaultOutbound || d.Policy.Name != DefaultPolicy || d.Policy.Bundle != "composed" || d.Policy.Publisher != "fixed" || d.Trace != "" {
		t.Errorf("%+v", d)
	}
	d := l.Destinations[1]
	d.Keys = wire.PrivateKeyFile{}
	want := l.Destinations[1]
	want.Keys, want.Name, want.Leases, want.Hops, want.Outbound = d.Keys, "second", 16, 2, 4
	want.Trace, want.Record, want.Target = in("traces/t.jsonl"), in("r.log"), "udp://localhost:5000"
	want.Policy.Name, want.Policy.Bundle, want.Policy.Publisher, want.Policy.Rotate = "per-router", "pinned", "rotate", true
	if !reflect.DeepEqual(d, want) {
		t.Errorf("%+v, want %+v", d, want)
	}
}

func TestWarnings(t *testing.T) {
	c, err := Parse("c.yaml", []byte("routers: [{i2cp: \"10.1.2.3:7654\"}]\ndestinations: [{key: k, target: echo}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0], "c.yaml:1:18: 10.1.2.3:7654 is on another machine") {
		t.Errorf("%q", c.Warnings)
	}
	if c.State != "state" || c.Status != "state/status.sock" {
		t.Errorf("state %s, socket %s", c.State, c.Status)
	}
}

func TestKeyFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k")
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	writeKeys(t, file, keys)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := WriteKeys(file, keys); !errors.Is(err, os.ErrExist) {
		t.Errorf("overwritten: %v", err)
	}
	again, err := ReadKeys(file)
	if err != nil || !reflect.DeepEqual(again, keys) {
		t.Errorf("read back: %v", err)
	}
}

// A parser of text: what it takes it takes again, and what it refuses it refuses
// with errors that have a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	cases, err := txtar.ParseFile("testdata/errors.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases.Files {
		f.Add(c.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		var all Errors
		if err != nil && (!errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("%v is no Errors", err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || e.Mend == "" || strings.ContainsAny(e.Error(), "\n\x1b") {
				t.Fatalf("%+v", e)
			}
		}
	})
}

package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"multihome.i2p/analysis/result"
)

// The columns of the trials of typed.yaml; docs/formats.md tells them.
var trialColumns = []string{
	"cell INT64", "arm STRING", "destination.policy STRING?", "destination.routers.count INT64", "destination.routers.overlap DOUBLE",
	"destination.routers.slices BOOLEAN", "destination.scheme STRING", "trial INT64",
	"leaseset_publishes_per_10min DOUBLE?", "tunnels_built_per_10min DOUBLE?", "floodfill_stores_per_s DOUBLE?",
	"floodfill_floods_per_s DOUBLE?", "floodfill_lookups_per_s DOUBLE?", "floodfill_verifications_per_s DOUBLE?",
	"floodfill_mean_messages_per_s DOUBLE?", "floodfill_busiest_messages_per_s DOUBLE?", "floodfill_busiest_bytes_per_s DOUBLE?",
	"floods_throttled_per_10min DOUBLE?", "acks_astray_per_10min DOUBLE?", "store_timeouts_per_10min DOUBLE?",
	"netdb_tunnel_messages_per_10min DOUBLE?", "netdb_bytes_per_10min DOUBLE?", "leases_per_leaseset DOUBLE?",
	"distinct_ibgw_per_leaseset DOUBLE?", "distinct_ibgw_total DOUBLE?", "ibgw_candidates DOUBLE?",
	"fast_tier_size DOUBLE?", "availability DOUBLE?", "subs_revealed DOUBLE?",
	"dead_entry_share DOUBLE?", "meta_publishes_per_10min DOUBLE?", "dead_lease_share DOUBLE?",
	"failover_s DOUBLE?", "router_load_jain DOUBLE?", "tunnel_builds_per_h DOUBLE?",
	"delivery DOUBLE?", "first_contact_success DOUBLE?", "stream_survival DOUBLE?",
	"lease_switch_stall_s DOUBLE?", "lease_switch_stall_max_s DOUBLE?", "client_failover_s DOUBLE?",
	"client_failover_5s DOUBLE?", "client_failover_100s DOUBLE?",
	"poller.attack.distinct.score@30m DOUBLE?", "poller.attack.distinct.routers@30m DOUBLE?",
}

var resultColumns = []string{
	"arm STRING", "destination.policy STRING?", "destination.routers.count INT64", "destination.routers.overlap DOUBLE",
	"destination.routers.slices BOOLEAN", "destination.scheme STRING", "metric STRING", "center DOUBLE?", "lo DOUBLE?", "hi DOUBLE?",
	"confidence DOUBLE?", "n INT64", "unit STRING", "expected DOUBLE?",
}

// typed is a sweep over params of all types; the fractions are whole by chance.
const typed = `
question: Do the types of params survive?
seed: 3
trials: 3
training: 1
duration: 30m
warmup: 10m
destination: {scheme: p140, leases: 8, routers: {count: 2}, policy: per-router}
adversaries: [{name: poller, every: 5m, attacks: [distinct], horizons: [30m]}]
sweep: {destination.routers.slices: [true, false], destination.routers.overlap: [0, 1]}
`

// What Parquet holds is what CSV holds, with types.
func TestExport(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("typed.yaml", []byte(typed), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"run ./typed.yaml --out out", "export out", "export out --format parquet",
		"export out --table trials --out again.parquet", "export out --out results.csv",
	} {
		if code, _, stderr := mhsim(strings.Fields(args)...); code != 0 || stderr != "" {
			t.Fatalf("mhsim %s: exit code %d: %s", args, code, stderr)
		}
	}
	for name, columns := range map[string][]string{"results": resultColumns, "trials": trialColumns} {
		text, err := os.ReadFile(filepath.Join("out", exportDir, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		held, got := readParquet(t, filepath.Join("out", exportDir, name+".parquet"))
		if !slices.Equal(held, columns) {
			t.Errorf("%s: columns\n%q, want\n%q", name, held, columns)
		}
		for i := range columns {
			columns[i], _, _ = strings.Cut(columns[i], " ")
		}
		got = slices.Concat([][]string{columns}, got)
		if !slices.EqualFunc(got, rows, slices.Equal) {
			t.Errorf("%s: Parquet does not hold what CSV holds", name)
		}
		if name == "trials" && len(rows) != 1+4*2*3 {
			t.Errorf("%d rows of trials, want 24", len(rows)-1)
		}
	}
	same := func(a, b string) {
		x, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(b)
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s and %s differ (%v)", a, b, err)
		}
	}
	same("again.parquet", "out/export/trials.parquet")
	same("results.csv", "out/export/results.csv")
}

// readParquet reads a file with its columns, null as the empty text.
func readParquet(t *testing.T, name string) (columns []string, rows [][]string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range f.Schema().Fields() {
		kind := field.Type().Kind().String()
		if kind == "BYTE_ARRAY" {
			kind = "STRING"
		}
		if field.Optional() {
			kind += "?"
		}
		columns = append(columns, field.Name()+" "+kind)
	}
	for _, group := range f.RowGroups() {
		in := group.Rows()
		for {
			var buf [1]parquet.Row
			n, err := in.ReadRows(buf[:])
			if n == 0 {
				break
			}
			row := make([]string, len(columns))
			for _, v := range buf[0] {
				row[v.Column()] = parquetText(v)
			}
			rows = append(rows, row)
			if err != nil {
				break
			}
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return columns, rows
}

func parquetText(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.Double:
		return result.Number(v.Double()).String()
	case v.Kind() == parquet.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	case v.Kind() == parquet.Boolean:
		return strconv.FormatBool(v.Boolean())
	}
	return string(v.ByteArray())
}
